import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { DeploymentStatus } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { access, deploymentOf, onlyJson, startControlPlane, unkey } from "../shared/testing.ts";

const { READY, STOPPED } = DeploymentStatus;
const URL = "http://shop-git-abc.localhost:7070";

async function controlPlane(before: DeploymentStatus, refusal?: ConnectError) {
  return await startControlPlane({
    deployment: {
      getDeployment: ({ deploymentId }) => ({
        deployment: deploymentOf({ id: deploymentId, status: before }),
      }),
      startDeployment() {
        if (refusal !== undefined) throw refusal;
        return { status: READY, urls: [URL], tookMs: 2_340n };
      },
    },
  });
}

Deno.test("start prints the URL and how long it took", async () => {
  await using server = await controlPlane(STOPPED);
  const env = access(server.url);
  assert.deepEqual(await unkey(["start", "d_1"], { env }), {
    code: 0,
    stdout: `d_1 runs (2.34 s): ${URL}\n`,
    stderr: "Starting d_1.\n",
  });
  assert.deepEqual(onlyJson(await unkey(["start", "d_1", "--json"], { env })), {
    id: "d_1",
    status: "ready",
    urls: [URL],
    tookMs: 2_340,
  });
});

Deno.test("start of a deployment that runs does not say that it is starting", async () => {
  await using server = await controlPlane(READY);
  const { code, stderr } = await unkey(["start", "d_1"], { env: access(server.url) });
  assert.deepEqual([code, stderr], [0, ""]);
});

Deno.test("a start ends with an exit code for why it failed", async (t) => {
  const cases: readonly (readonly [Code, string, number, string])[] = [
    [Code.FailedPrecondition, "The image of d_1 was removed.", 18, "The image of d_1 was removed."],
    [Code.NotFound, "Deployment d_1 was not found.", 1, "Deployment d_1 was not found."],
    [Code.PermissionDenied, "The key may not start.", 4, "The key may not start."],
  ];
  for (const [code, text, exitCode, message] of cases) {
    await t.step(Code[code], async () => {
      await using server = await controlPlane(STOPPED, new ConnectError(text, code));
      const env = access(server.url);
      const plain = await unkey(["start", "d_1"], { env });
      assert.equal(plain.code, exitCode);
      assert.match(plain.stderr, new RegExp(`^Starting d_1\\.\nerror: ${message}`));
      const json = await unkey(["start", "d_1", "--json"], { env });
      assert.equal(json.code, exitCode);
      const printed = onlyJson(json);
      assert.ok(typeof printed === "object" && printed !== null && "error" in printed);
      assert.ok(typeof printed.error === "object" && printed.error !== null && "message" in printed.error);
      assert.equal(printed.error.message, message);
    });
  }
});
