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

Deno.test("stop --branch ends what is left of a branch, in the project that is named", async (t) => {
  const asked: string[] = [];
  await using server = await startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    deployment: {
      endBranch({ projectId, branch, environmentSlug }) {
        asked.push(`${projectId} ${branch} ${environmentSlug}`);
        return branch === "gone"
          ? { stoppedDeploymentIds: ["d_1"], cancelledDeploymentIds: ["d_2"] }
          : { stoppedDeploymentIds: [], cancelledDeploymentIds: [] };
      },
    },
  });
  const env = access(server.url);
  const run = (...args: string[]) => unkey(["stop", "--project", "shop", ...args], { env });
  await t.step("as text, as JSON, and as ids", async () => {
    assert.equal(
      (await run("--branch", "gone")).stdout,
      'stopped d_1: "unkey start d_1" brings it back\ncancelled d_2\n',
    );
    assert.deepEqual(onlyJson(await run("--branch", "gone", "--env", "qa", "--json")), {
      project: "shop",
      branch: "gone",
      stopped: ["d_1"],
      cancelled: ["d_2"],
    });
    assert.equal((await run("--branch", "gone", "--quiet")).stdout, "d_1\nd_2\n");
    assert.deepEqual(asked, [`${SHOP.id} gone `, `${SHOP.id} gone qa`, `${SHOP.id} gone `]);
  });
  await t.step("a branch of which nothing is left is no failure", async () => {
    const { code, stdout } = await run("--branch", "done");
    assert.deepEqual([code, stdout], [0, "Nothing of branch done runs in shop.\n"]);
  });
  await t.step("a deployment and a branch, or neither", async () => {
    for (const words of [["d_1", "--branch", "x"], []]) {
      const { code, stderr } = await run(...words);
      assert.equal(code, 2);
      assert.match(stderr, /Name a deployment, or a branch with --branch: one of the two/);
    }
  });
});
