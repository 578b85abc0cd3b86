import assert from "node:assert/strict";
import { RunState } from "../../proto/gen/ctrl/v1/run_pb.ts";
import { DeploymentStatus, SwitchPath } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { access, deploymentOf, onlyJson, startControlPlane, unkey } from "../shared/testing.ts";

const ROLLED_BACK = {
  projectSlug: "shop",
  environmentSlug: "production",
  fromDeploymentId: "d_2",
  toDeploymentId: "d_1",
  path: SwitchPath.INSTANT,
  rolledBack: true,
  urls: ["http://shop-acme.localhost:7070"],
  tookMs: 80n,
};

/** The deployment is in each of `statuses` in turn, once per look. */
async function controlPlane(statuses: readonly DeploymentStatus[], live = false) {
  let looks = 0;
  let cancels = 0;
  const deployment = () => {
    const status = statuses[Math.min(looks++, statuses.length - 1)] ?? DeploymentStatus.READY;
    return deploymentOf({ id: "d_2", status, live: live && status === DeploymentStatus.READY });
  };
  const server = await startControlPlane({
    deployment: {
      getDeployment: () => ({ deployment: deployment() }),
      async *watchDeploymentEvents() {
        // The end is read from the deployment itself.
      },
      cancelDeployment: () => {
        cancels++;
        const status = statuses[Math.min(looks, statuses.length - 1)] ?? DeploymentStatus.READY;
        return {
          status,
          ...(live && status === DeploymentStatus.READY ? { rolledBack: ROLLED_BACK } : {}),
        };
      },
    },
  });
  return { server, cancels: () => cancels };
}

const { BUILDING, CANCELLED, DEPLOYING, FAILED, READY, STOPPED } = DeploymentStatus;

Deno.test("cancel follows a deployment that is under way to its end", async () => {
  const { server } = await controlPlane([BUILDING, BUILDING, CANCELLED]);
  await using _server = server;
  const result = await unkey(["cancel", "d_2"], { env: access(server.url) });
  assert.deepEqual(result, { code: 0, stdout: "cancelled d_2: what it had created is gone\n", stderr: "" });
});

Deno.test("cancel of a start says that it worked", async () => {
  const { server } = await controlPlane([DEPLOYING, DEPLOYING, STOPPED]);
  await using _server = server;
  const result = await unkey(["cancel", "d_2"], { env: access(server.url) });
  const stdout = "cancelled the start of d_2: it is stopped, as before\n";
  assert.deepEqual(result, { code: 0, stdout, stderr: "" });
});

Deno.test("cancel of a deployment that has ended has nothing to do", async () => {
  const { server } = await controlPlane([FAILED]);
  await using _server = server;
  const result = await unkey(["cancel", "d_2"], { env: access(server.url) });
  assert.deepEqual(result, { code: 0, stdout: "d_2 is failed already: nothing to cancel\n", stderr: "" });
  const json = onlyJson(await unkey(["cancel", "d_2", "--json"], { env: access(server.url) }));
  assert.deepEqual(json, { id: "d_2", status: "failed" });
});

Deno.test("cancel of a live deployment is a rollback, and says so", async () => {
  const { server } = await controlPlane([READY], true);
  await using _server = server;
  const { code, stdout } = await unkey(["cancel", "d_2", "--yes"], { env: access(server.url) });
  assert.deepEqual([code, stdout], [
    0,
    "rolled back shop/production from d_2 to d_1 (instant, 0.08 s): http://shop-acme.localhost:7070\n",
  ]);
  const json = onlyJson(await unkey(["cancel", "d_2", "--yes", "--json"], { env: access(server.url) }));
  assert.deepEqual((json as { rolledBack: { to: string } }).rolledBack.to, "d_1");
});

Deno.test("cancel of a deployment that turns live meanwhile rolls it back", async () => {
  const { server, cancels } = await controlPlane([BUILDING, BUILDING, READY], true);
  await using _server = server;
  const { code, stdout } = await unkey(["cancel", "d_2", "--yes"], { env: access(server.url) });
  assert.equal(code, 0);
  assert.match(stdout, /^rolled back shop\/production from d_2 to d_1/);
  assert.equal(cancels(), 2);
});

Deno.test("cancel ends a run by its id, and says when it had ended", async () => {
  let state = RunState.RUNNING;
  await using api = await startControlPlane({
    deployment: {
      getRun: () => ({ run: { id: "run_1", state } }),
      cancelRun: () => ({ run: { id: "run_1", state: state = RunState.CANCELLED } }),
    },
  });
  const cancel = () => unkey(["cancel", "run_1"], { env: access(api.url) });
  assert.equal((await cancel()).stdout, "cancelled run_1\n");
  assert.equal((await cancel()).stdout, "run_1 is cancelled already: nothing to cancel\n");
});
