import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { DeploymentStatus } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import {
  access,
  deploymentOf,
  onlyFailure,
  onlyJson,
  SHOP,
  startControlPlane,
  unkey,
} from "../shared/testing.ts";

const { STOPPED } = DeploymentStatus;

Deno.test("stop says how the deployment is brought back", async () => {
  await using server = await startControlPlane({
    deployment: {
      getDeployment: ({ deploymentId }) => ({ deployment: deploymentOf({ id: deploymentId }) }),
      stopDeployment: () => ({ status: STOPPED }),
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
});

Deno.test("stop asks before it ends a preview that names lead to, and says so to the control plane", async (t) => {
  const confirmed: boolean[] = [];
  const urls = ["http://shop-git-a-acme.localhost", "http://d1-acme.localhost"];
  await using server = await startControlPlane({
    deployment: {
      getDeployment: ({ deploymentId }) => ({
        deployment: deploymentOf({ id: deploymentId, environmentSlug: "preview", urls, live: false }),
      }),
      stopDeployment(request) {
        confirmed.push(request.confirmed);
        return { status: STOPPED };
      },
    },
  });
  const env = access(server.url);
  await t.step("without a terminal and without --yes nothing is done", async () => {
    const { code, stderr } = await unkey(["stop", "d_1"], { env });
    assert.equal(code, 2);
    assert.match(
      stderr,
      /Stop d_1 of preview\? http:\/\/shop-git-a-acme\.localhost, .* --yes \(UNKEY_YES\) confirms/,
    );
    assert.deepEqual(confirmed, []);
  });
  await t.step("--yes", async () => {
    assert.equal((await unkey(["stop", "d_1", "--yes"], { env })).code, 0);
    assert.deepEqual(confirmed, [true]);
  });
});

Deno.test("stop of a project stops its newest deployment of the environment", async () => {
  const stopped: string[] = [];
  await using server = await startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    deployment: {
      listDeployments: ({ environmentSlug }) => ({
        deployments: environmentSlug === "qa" ? [deploymentOf({ id: "d_qa" })] : [],
      }),
      stopDeployment({ deploymentId }) {
        stopped.push(deploymentId);
        return { status: STOPPED };
      },
    },
  });
  const env = access(server.url);
  assert.equal((await unkey(["stop", "shop", "--env", "qa"], { env })).code, 0);
  const none = await unkey(["stop", "shop", "--env", "production"], { env });
  assert.equal(none.code, 1);
  assert.match(
    none.stderr,
    /has no deployment yet in the environment "production": "unkey deploy" makes one/,
  );
  assert.deepEqual(stopped, ["d_qa"]);
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
  assert.deepEqual(onlyFailure(result), {
    error: { code: "failed_precondition", message: "Deployment d_1 serves shop.example." },
    exitCode: 18,
  });
});
