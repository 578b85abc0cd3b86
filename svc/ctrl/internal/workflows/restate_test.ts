import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { Secret } from "../../../../pkg/config/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import type { Workflows } from "./mod.ts";
import { createRestateWorkflows } from "./restate.ts";

interface Seen {
  readonly path: string;
  readonly body: string;
  readonly authorization: string | null;
  readonly key: string | null;
}

const DEPLOYMENT = parseId("deployment", "id", "d_1");
const ENVIRONMENT = parseId("environment", "id", "env_1");

const PROMOTE = { targetDeploymentId: "d_1", actor: { kind: "system", name: "test" } } as const;
const MOVED = { previousDeploymentId: "d_0", hostnames: ["shop.example"] };

/** An ingress that answers as the test says, one answer per request, the last one for ever. */
async function onIngress(
  answers: readonly (() => Response | Promise<Response>)[],
  test: (workflows: Workflows, seen: readonly Seen[]) => Promise<void>,
  timeoutMs = 10_000,
): Promise<void> {
  const seen: Seen[] = [];
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => undefined },
    async (request) => {
      const answer = answers[Math.min(seen.length, answers.length - 1)];
      seen.push({
        path: new URL(request.url).pathname,
        body: await request.text(),
        authorization: request.headers.get("authorization"),
        key: request.headers.get("idempotency-key"),
      });
      return await answer?.() ?? new Response(null, { status: 500 });
    },
  );
  try {
    const ingressUrl = `http://127.0.0.1:${server.addr.port}`;
    await test(
      createRestateWorkflows({ ingressUrl, apiKey: new Secret("s3cret"), clock: systemClock(), timeoutMs }),
      seen,
    );
  } finally {
    await server.shutdown();
  }
}

const accepted = (): Response =>
  Response.json({ invocationId: "inv_1", status: "Accepted" }, { status: 202 });
const moved = (): Response => Response.json(MOVED);
const fromHandler = (status: number, fault: string, message: string) => (): Response =>
  Response.json({ code: status, message, metadata: { fault }, source: "invocation" }, { status });
const fromIngress = (status: number) => (): Response =>
  Response.json({ code: status, message: "service not found", source: "ingress" }, { status });

Deno.test("messages go to the right handler, with the credentials", () =>
  onIngress([accepted], async (workflows, seen) => {
    await workflows.submitDeploy(DEPLOYMENT);
    await workflows.cancelDeploy(DEPLOYMENT);
    await workflows.instancesChanged(DEPLOYMENT);
    assert.deepEqual(seen.map(({ path, body }) => `${path} ${body}`), [
      '/hydra.v1.DeploymentService/d_1/run/send {"deploymentId":"d_1"}',
      "/hydra.v1.DeploymentService/d_1/cancel/send ",
      "/hydra.v1.DeploymentService/d_1/instancesChanged/send ",
    ]);
    assert.ok(seen.every((each) => each.authorization === "Bearer s3cret"));
  }));

/** Before a worker has registered, Restate does not know the services. */
Deno.test("what Restate cannot take now is sent again, with the same idempotency key", () =>
  onIngress([fromIngress(404), fromIngress(503), moved], async (workflows, seen) => {
    assert.deepEqual(await workflows.promote(ENVIRONMENT, PROMOTE), MOVED);
    assert.equal(seen.length, 3);
    assert.equal(new Set(seen.map((each) => each.key)).size, 1);
    assert.match(seen[0]?.key ?? "", /^req_/);
  }));

Deno.test("a handler's fault keeps its code and text and is not repeated", () =>
  onIngress([fromHandler(412, "failed_precondition", "It is live already.")], async (workflows, seen) => {
    await assert.rejects(
      workflows.promote(ENVIRONMENT, PROMOTE),
      (error) => isFault(error, "failed_precondition") && error.publicMessage === "It is live already.",
    );
    assert.equal(seen.length, 1);
  }));

Deno.test("an outage is unavailable, and says what to check", async () => {
  const workflows = createRestateWorkflows({
    ingressUrl: "http://127.0.0.1:1",
    clock: systemClock(),
    timeoutMs: 10_000,
  });
  await assert.rejects(
    workflows.submitDeploy(DEPLOYMENT),
    (error) => isFault(error, "unavailable") && /check that Restate/.test(error.publicMessage ?? ""),
  );
});

Deno.test("an answer that does not come is given up in time", async () => {
  const release = Promise.withResolvers<Response>();
  await onIngress([() => release.promise], async (workflows) => {
    await assert.rejects(
      workflows.promote(ENVIRONMENT, PROMOTE),
      (error) => isFault(error, "deadline_exceeded"),
    );
    release.resolve(accepted());
  }, 100);
});

/** The call that waits may be cut while Restate restarts; what it waits for is known by its id. */
Deno.test("a start is handed over and then waited for, through outages", () =>
  onIngress(
    [accepted, fromIngress(503), () => Response.json({ kind: "started", hostnames: [] })],
    async (workflows, seen) => {
      const order = {
        deploymentId: "d_1",
        environmentId: "env_1",
        then: { kind: "nothing" },
        actor: { kind: "system", name: "test" },
      } as const;
      const outcome = await workflows.start(parseId("start", "id", "start_1"), order);
      assert.deepEqual(outcome, { kind: "started", hostnames: [] });
      const attach = "/restate/workflow/hydra.v1.StartService/start_1/attach";
      assert.deepEqual(seen.map(({ path }) => path), [
        "/hydra.v1.StartService/start_1/run/send",
        attach,
        attach,
      ]);
    },
  ));

Deno.test("an answer that nobody understands is internal", () =>
  onIngress([() => Response.json({ kind: "flown" })], async (workflows) => {
    const id = parseId("start", "id", "start_1");
    await assert.rejects(workflows.awaitStart(id), (error) => isFault(error, "internal"));
  }));
