import assert from "node:assert/strict";
import { DeploymentService } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { CALL_MS_MAX } from "./mount.ts";

/** The worker gives a start up to an hour; a shorter limit here would report a start that goes on as failed. */
Deno.test("calls that may have to start a deployment have a limit above the start's own", () => {
  const { rollback, promote, cancelDeployment, startDeployment } = DeploymentService.method;
  for (const method of [rollback, promote, cancelDeployment, startDeployment]) {
    assert.ok((CALL_MS_MAX.get(method) ?? 0) > 3_600_000, method.name);
  }
});
