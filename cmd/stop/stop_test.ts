import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { DeploymentStatus } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { access, deploymentOf, onlyJson, startControlPlane, unkey } from "../shared/testing.ts";

const { READY, STOPPED } = DeploymentStatus;

Deno.test("stop and start say what they did", async () => {
  await using server = await startControlPlane({
    deployment: {
      getDeployment: ({ deploymentId }) => ({
        deployment: deploymentOf({ id: deploymentId, status: STOPPED }),
      }),
      stopDeployment: () => ({ status: STOPPED }),
      startDeployment: () => ({
        status: READY,
        urls: ["http://shop-git-abc.localhost:7070"],
        tookMs: 2_340n,
      }),
    },
  });
  const env = access(server.url);
  assert.deepEqual(await unkey(["stop", "d_1"], { env }), {
    code: 0,
    stdout: 'stopped d_1: "unkey start d_1" brings it back\n',
    stderr: "",
  });
  assert.deepEqual(onlyJson(await unkey(["stop", "d_1", "--json"], { env })), {
    id: "d_1",
    status: "stopped",
  });
  assert.deepEqual(await unkey(["start", "d_1"], { env }), {
    code: 0,
    stdout: "d_1 runs (2.34 s): http://shop-git-abc.localhost:7070\n",
    stderr: "Starting d_1.\n",
  });
  assert.deepEqual(onlyJson(await unkey(["start", "d_1", "--json"], { env })), {
    id: "d_1",
    status: "ready",
    urls: ["http://shop-git-abc.localhost:7070"],
    tookMs: 2_340,
  });
});

Deno.test("a refused stop says what the deployment serves, with an exit code of its own", async () => {
  await using server = await startControlPlane({
    deployment: {
      getDeployment: ({ deploymentId }) => ({ deployment: deploymentOf({ id: deploymentId }) }),
      stopDeployment: () => {
        throw new ConnectError("Deployment d_1 serves shop.example.", Code.FailedPrecondition);
      },
    },
  });
  const result = await unkey(["stop", "d_1", "--json"], { env: access(server.url) });
  assert.equal(result.code, 18);
  assert.deepEqual(onlyJson(result), {
    error: { code: "failed_precondition", message: "Deployment d_1 serves shop.example." },
    exitCode: 18,
  });
});
