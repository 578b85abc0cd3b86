import assert from "node:assert/strict";
import { DeploymentStatus, SwitchPath } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { access, deploymentOf, startControlPlane, unkey } from "./testing.ts";

const URL = "http://shop-acme.localhost:7070";
const SWITCH = {
  projectSlug: "shop",
  environmentSlug: "production",
  fromDeploymentId: "d_2",
  toDeploymentId: "d_1",
  path: SwitchPath.COLD,
  urls: [URL, "http://shop-d-1.localhost:7070"],
  tookMs: 80n,
};
const { BUILDING, CANCELLED, READY, STOPPED } = DeploymentStatus;

/** Each operation takes as long as `hold`. */
async function controlPlane(status: DeploymentStatus, hold: Promise<void> = Promise.resolve()) {
  const after = <T>(answer: T) => () => hold.then(() => answer);
  let looks = 0;
  return await startControlPlane({
    deployment: {
      getDeployment: () => ({ deployment: deploymentOf({ status: looks++ === 0 ? status : CANCELLED }) }),
      planRollback: () => ({ plan: SWITCH }),
      planPromote: () => ({ plan: SWITCH }),
      rollback: after({ switched: SWITCH }),
      promote: after({ switched: SWITCH }),
      startDeployment: after({ status: READY, urls: [URL], tookMs: 80n }),
      stopDeployment: after({ status: STOPPED }),
      cancelDeployment: () => ({ status }),
      async *watchDeploymentEvents() {
        yield { event: { case: "heartbeat", value: {} } };
        await hold;
      },
    },
  });
}

const OPERATIONS: readonly (readonly [args: readonly string[], status: DeploymentStatus, quiet: string])[] = [
  [["rollback", "d_1", "--yes"], READY, URL],
  [["promote", "d_1", "--yes"], READY, URL],
  [["start", "d_1"], STOPPED, URL],
  [["stop", "d_1"], READY, "d_1"],
  [["cancel", "d_1"], BUILDING, "d_1"],
];

Deno.test("each operation prints the URL or the id alone with --quiet, and no message", async (t) => {
  for (const [args, status, quiet] of OPERATIONS) {
    await t.step(args.join(" "), async () => {
      await using server = await controlPlane(status);
      const result = await unkey([...args, "--quiet"], { env: access(server.url) });
      assert.deepEqual(result, { code: 0, stdout: `${quiet}\n`, stderr: "" });
    });
  }
});

Deno.test("each operation that waits ends with 17 when --timeout is over, and says that it goes on", async (t) => {
  for (const [args, status] of OPERATIONS.filter(([[name]]) => name !== "stop")) {
    await t.step(args.join(" "), async () => {
      const held = Promise.withResolvers<void>();
      await using server = await controlPlane(status, held.promise);
      const env = access(server.url);
      const { code, stdout, stderr } = await unkey([...args, "--timeout", "1s", "--json"], { env });
      held.resolve();
      const { error, exitCode } = JSON.parse(stdout);
      assert.deepEqual([code, exitCode, error.code], [17, 17, "still_running"], stderr);
      assert.match(stderr, /goes on: "unkey status" shows it/);
    });
  }
});
