/** Creates of deploys whose traffic is to move in steps. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import {
  type CreateDeploymentRequestSchema,
  DeploymentService,
} from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { findGradualOrder } from "../../internal/store/mod.ts";
import { refused, startApi } from "../testing.ts";

type Request = Exclude<
  MessageInitShape<typeof CreateDeploymentRequestSchema>,
  { readonly $typeName: string }
>;

async function bed() {
  const api = await startApi();
  const tenant = await api.tenant("acme");
  const client = api.client(DeploymentService, tenant.rootKey);
  return {
    create: async (changes: Request) => {
      const { deploymentId } = await client.createDeployment({
        projectId: tenant.projectId,
        environmentSlug: "production",
        source: { case: "dockerImage", value: "nginx:1.29" },
        ...changes,
      });
      return deploymentId;
    },
    order: async (id: string) => {
      const row = await findGradualOrder(api.db.kysely, id);
      return row === undefined
        ? undefined
        : [row.steps, row.every_ms, row.is_sticky, JSON.parse(row.actor).kind];
    },
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

Deno.test("a create keeps how its traffic is to move, with the key that asked", async (t) => {
  await using api = await bed();
  for (
    const [name, gradual, order] of [
      ["at once", undefined, undefined],
      ["in the default steps, by hand", {}, ["[10,50]", null, 0, "root_key"]],
      ["in steps of its own", { steps: [5, 25], everyMs: 30_000n, sticky: true }, [
        "[5,25]",
        30_000,
        1,
        "root_key",
      ]],
    ] as const
  ) {
    await t.step(name, async () => {
      const id = await api.create(
        gradual === undefined
          ? {}
          : { gradual: { ...gradual, steps: [...("steps" in gradual ? gradual.steps : [])] } },
      );
      assert.deepEqual(await api.order(id), order);
    });
  }
  await t.step("also of a redeploy", async () => {
    const first = await api.create({});
    const id = await api.create({ source: { case: undefined }, redeployOf: first, gradual: {} });
    assert.deepEqual(await api.order(id), ["[10,50]", null, 0, "root_key"]);
  });
});

Deno.test("a create refuses shares that do not grow, and times out of bounds, by their field", async () => {
  await using api = await bed();
  const code = Code.InvalidArgument;
  await refused(
    api.create({ gradual: { steps: [50, 10] } }),
    code,
    /^gradual\.steps must be up to 10 growing shares/,
  );
  await refused(api.create({ gradual: { everyMs: 5n } }), code, /^gradual\.every_ms must be 0, or between/);
});

Deno.test("an idempotency key knows whether the traffic is to move in steps", async () => {
  await using api = await bed();
  const id = await api.create({ idempotencyKey: "k", gradual: { steps: [20] } });
  assert.equal(await api.create({ idempotencyKey: "k", gradual: { steps: [20] } }), id);
  await refused(
    api.create({ idempotencyKey: "k" }),
    Code.InvalidArgument,
    /used before, with another request/,
  );
});
