import assert from "node:assert/strict";
import { DeploymentStatus } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { access, deploymentOf, startControlPlane, unkey } from "./testing.ts";

Deno.test("a start prints what it waits for, once, and nothing with --quiet", async () => {
  const asked = Promise.withResolvers<void>();
  let looks = 0;
  await using server = await startControlPlane({
    deployment: {
      getDeployment({ deploymentId: id }) {
        looks++;
        if (looks === 4) asked.resolve();
        const step = { name: "deploying", status: "running", message: "Waiting: No room." };
        return { deployment: deploymentOf({ id, status: DeploymentStatus.STOPPED, steps: [step] }) };
      },
      async startDeployment() {
        if (looks > 0) await asked.promise;
        return { status: DeploymentStatus.READY, urls: [], tookMs: 10n };
      },
    },
  });
  const env = access(server.url);
  const { stderr } = await unkey(["start", "d_1"], { env });
  assert.equal(stderr, "Starting d_1.\n.. Waiting: No room.\n");
  const quiet = await unkey(["start", "d_1", "--quiet"], { env });
  assert.deepEqual([quiet.stdout, quiet.stderr], ["d_1\n", ""]);
});
