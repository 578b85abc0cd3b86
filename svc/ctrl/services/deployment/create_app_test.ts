/** Creates with settings of the app: what is recorded, and what an idempotency key recognizes. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import {
  type AppSettingsSchema,
  type CreateDeploymentRequestSchema,
  DeploymentService,
  HealthCheckSettings_Kind as Kind,
} from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { EnvironmentService } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { type AppSnapshot, decodeAppSnapshot } from "../../internal/deployments/app/settings.ts";
import { findDeployment } from "../../internal/store/mod.ts";
import { refused, startApi } from "../testing.ts";

type Plain<T> = Exclude<T, { readonly $typeName: string }>;
type Request = Plain<MessageInitShape<typeof CreateDeploymentRequestSchema>>;
type App = Plain<MessageInitShape<typeof AppSettingsSchema>>;

const FULL = {
  port: 3000,
  command: ["serve"],
  healthCheck: { kind: Kind.HTTP, path: "/up", headers: { "x-a": "1", "x-b": "2" }, intervalSeconds: 3 },
  startSeconds: 90,
  stopSignal: "SIGQUIT",
  stopSeconds: 30,
  ephemeralStorageMib: 64,
  regions: ["local.dev"],
  init: true,
} satisfies App;

/** A tenant of a new api, and creates in its environment `production`. */
async function bed() {
  const api = await startApi();
  const tenant = await api.tenant("acme");
  const client = api.client(DeploymentService, tenant.rootKey);
  const request = (changes: Request): Request => ({
    projectId: tenant.projectId,
    environmentSlug: "production",
    source: { case: "dockerImage", value: "nginx:1.29" },
    ...changes,
  });
  return {
    create: async (changes: Request) => (await client.createDeployment(request(changes))).deploymentId,
    row: async (id: string) => {
      const row = await findDeployment(api.db.kysely, id);
      assert.ok(row !== undefined);
      return { ...row, settings: decodeAppSnapshot(row.app_settings) };
    },
    set: (settings: App) =>
      api.client(EnvironmentService, tenant.rootKey).setAppSettings({
        projectId: tenant.projectId,
        environmentSlug: "production",
        settings,
      }),
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

Deno.test("an idempotency key knows the settings of the app by their values", async (t) => {
  await using deploys = await bed();
  const first = await deploys.create({ idempotencyKey: "once", app: FULL });
  await t.step("the same settings, in another order", async () => {
    const headers = { "x-b": "2", "x-a": "1" };
    const healthCheck = { intervalSeconds: 3, headers, path: "/up", kind: Kind.HTTP };
    const reversed: App = Object.fromEntries(Object.entries({ ...FULL, healthCheck }).toReversed());
    assert.equal(await deploys.create({ idempotencyKey: "once", app: reversed }), first);
  });
  const changes: Readonly<Record<string, App>> = {
    port: { port: 3001 },
    command: { command: ["serve", "-v"] },
    "order of words": { command: ["-v", "serve"] },
    "health check": { healthCheck: { ...FULL.healthCheck, path: "/ready" } },
    header: { healthCheck: { ...FULL.healthCheck, headers: { "x-a": "1", "x-b": "3" } } },
    "interval of checks": { healthCheck: { ...FULL.healthCheck, intervalSeconds: 4 } },
    "time to start": { startSeconds: 91 },
    "stop signal": { stopSignal: "SIGINT" },
    "time to stop": { stopSeconds: 31 },
    disk: { ephemeralStorageMib: 65 },
    regions: { regions: ["other.dev"] },
    init: { init: false },
  };
  for (const [name, change] of Object.entries(changes)) {
    await t.step(`another ${name}`, () =>
      refused(
        deploys.create({ idempotencyKey: "once", app: { ...FULL, ...change } }),
        Code.InvalidArgument,
        /key was used before, with another request/,
      ));
  }
  await t.step(
    "none",
    () => refused(deploys.create({ idempotencyKey: "once" }), Code.InvalidArgument, /with another request/),
  );
  await t.step("an environment that was changed since", async () => {
    await deploys.set({ port: 9000 });
    assert.equal(await deploys.create({ idempotencyKey: "once", app: FULL }), first);
  });
});

Deno.test("the request's settings and the environment's are recorded apart, the columns have what holds", async () => {
  await using deploys = await bed();
  await deploys.set({ port: 80, stopSeconds: 9, healthCheck: { path: "/env" } });
  const row = await deploys.row(await deploys.create({ app: { port: 3000 } }));
  const snapshot: AppSnapshot = {
    own: { port: 3000 },
    environment: { port: 80, healthCheck: { kind: "http", path: "/env" }, stopSeconds: 9 },
  };
  assert.deepEqual(row.settings, snapshot);
  assert.deepEqual([row.port, row.health_check_path, row.start_seconds], [3000, "/env", 0]);
  const plain = await deploys.row(await deploys.create({}));
  assert.deepEqual([plain.settings?.own, plain.port], [{}, 80]);
});

Deno.test("the fields that clients knew before come before the same ones of app", async (t) => {
  await using deploys = await bed();
  const cases: Readonly<Record<string, readonly [Request, Partial<AppSnapshot["own"]>]>> = {
    port: [{ port: 4000, app: FULL }, { port: 4000 }],
    command: [{ command: ["old"], app: FULL }, { command: ["old"] }],
    "time to start": [{ startSeconds: 10, app: FULL }, { startSeconds: 10 }],
    "path, beside the other parts of the check": [{ healthCheckPath: "/old", app: FULL }, {
      healthCheck: { kind: "http", path: "/old", headers: FULL.healthCheck.headers, intervalSeconds: 3 },
    }],
    "path, in place of a check of the port": [
      { healthCheckPath: "/old", app: { ...FULL, healthCheck: { kind: Kind.PORT } } },
      { healthCheck: { kind: "http", path: "/old" } },
    ],
  };
  for (const [name, [request, expected]] of Object.entries(cases)) {
    await t.step(name, async () => {
      const own = (await deploys.row(await deploys.create(request))).settings?.own;
      assert.deepEqual({ ...own, ...expected }, own);
      assert.equal(own?.stopSignal, "SIGQUIT", "the others are those of app");
    });
  }
});

Deno.test("an app of h2c is not checked by HTTP, wherever the check was set", async (t) => {
  await using deploys = await bed();
  const text = /health_check_path must be empty for an app of protocol h2c/;
  const http: App = { healthCheck: { kind: Kind.HTTP } };
  await t.step(
    "by the request",
    () => refused(deploys.create({ protocol: "h2c", app: http }), Code.InvalidArgument, text),
  );
  await t.step(
    "by the older field",
    () => refused(deploys.create({ protocol: "h2c", healthCheckPath: "/up" }), Code.InvalidArgument, text),
  );
  await deploys.set({ healthCheck: { path: "/up" } });
  await t.step(
    "by the environment",
    () => refused(deploys.create({ protocol: "h2c" }), Code.InvalidArgument, text),
  );
  await t.step("the request may ask for its port", async () => {
    const app: App = { healthCheck: { kind: Kind.PORT } };
    const row = await deploys.row(await deploys.create({ protocol: "h2c", app }));
    assert.deepEqual([row.app_protocol, row.health_check_path], ["h2c", ""]);
  });
  await t.step("an app of HTTP/1.1 is", async () => {
    const row = await deploys.row(await deploys.create({ protocol: "http1" }));
    assert.deepEqual([row.app_protocol, row.health_check_path], [null, "/up"]);
  });
});
