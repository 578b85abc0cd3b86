import assert from "node:assert/strict";
import { DeploymentStatus } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { deploy, resultOf, startParts, step, type Stream } from "../shared/deploying/testing.ts";

const NOTICE = "The image of deployment d_0 is used again: same content (use --no-cache to build).";

function reused(then: Stream["then"]): Stream {
  return {
    events: [
      { case: "notice", value: { message: NOTICE } },
      step("deploying", "running"),
      step("deploying", "done"),
      { case: "status", value: { status: then?.status ?? DeploymentStatus.READY } },
    ],
    then: { imageSourceDeploymentId: "d_0", ...then },
  };
}

Deno.test("deploy says whose image is used again, and that it did not build", async () => {
  await using parts = await startParts({ streams: [reused({ status: DeploymentStatus.READY })] });
  const { code, stderr } = await deploy({ url: parts.plane.url, args: [] });
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    /^note The image of deployment d_0 is used again: same content \(use --no-cache to build\)\.$/m,
  );
  assert.doesNotMatch(stderr, /building/);
});

Deno.test("deploy --json names the deployment whose image is used again, also after a failure", async () => {
  for (const status of [DeploymentStatus.READY, DeploymentStatus.FAILED]) {
    await using parts = await startParts({ streams: [reused({ status })] });
    const result = resultOf(await deploy({ url: parts.plane.url, args: ["--json"] }));
    assert.equal(result.imageSourceDeploymentId, "d_0");
    assert.equal(result.timings.buildMs, undefined);
  }
});
