import assert from "node:assert/strict";
import { checkedFetch } from "../../api/rest/testing.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { endStep, moveStatus, startStep } from "../../internal/store/mod.ts";
import { clock, deployImage, startApi } from "../testing.ts";

Deno.test("the reason of a failure is in the RPC, the events and REST: step, text, exit code and output", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const id = await deployImage(api, tenant);
  const message = "The app ended with exit code 3. Its last output:\nno config";
  const nowMs = clock.now();
  await transact(api.db, async (tx) => {
    await startStep(tx, { deploymentId: id, name: "deploying", message: "Starting the app.", nowMs });
    await endStep(tx, {
      deploymentId: id,
      name: "deploying",
      status: "failed",
      errorMessage: message,
      nowMs,
    });
    const details = {
      exitCode: 3,
      source: "instance",
      origin: "a-1",
      lines: ["reading", "no config"],
    } as const;
    const failure = { code: "crash_loop", message, details } as const;
    await moveStatus(tx, { id, from: ["pending"], to: "failed", failure, nowMs });
  });
  const client = api.client(DeploymentService, tenant.rootKey);
  const { deployment } = await client.getDeployment({ deploymentId: id });
  assert.deepEqual(
    [deployment?.failureCode, deployment?.errorMessage, deployment?.steps[0]?.errorMessage],
    ["crash_loop", message, message],
  );
  const { exitCode, source, origin, logLines } = deployment?.failureDetails ?? {};
  assert.deepEqual([exitCode, source, origin, logLines], [3, "instance", "a-1", ["reading", "no config"]]);
  let last;
  for await (const { event } of client.watchDeploymentEvents({ deploymentId: id })) {
    if (event.case === "deploymentEvent") last = event.value.payload;
  }
  assert.ok(last?.case === "status");
  assert.deepEqual([last.value.failureCode, last.value.errorMessage], ["crash_loop", message]);
  const response = await checkedFetch(`${api.url}/v2/deploy.getDeployment`, {
    method: "POST",
    headers: { authorization: `Bearer ${tenant.rootKey}`, "content-type": "application/json" },
    body: JSON.stringify({ deploymentId: id }),
  });
  const { data } = await response.json();
  assert.equal(data.errorMessage, message);
  assert.deepEqual(data.steps, [
    { status: "failed", message: "Starting the app.", errorMessage: message, createdAt: nowMs },
  ]);
});
