/** Only the real Restate server, which signs its requests, may drive the workflows. */
import assert from "node:assert/strict";
import { WorkerBed } from "./worker_bed.ts";

Deno.test("what Restate signs is done, and what a stranger sends to the worker's port is refused", async () => {
  const bed = await WorkerBed.start();
  try {
    const stranger = async (path: string): Promise<number> => {
      const response = await fetch(`${bed.endpointUrl}${path}`, {
        method: "POST",
        headers: { "content-type": "application/vnd.restate.invocation.v5" },
        body: new Uint8Array(64),
      });
      await response.body?.cancel();
      return response.status;
    };
    for (
      const path of [
        "/discover",
        "/invoke/hydra.v1.VersioningService/Compact",
        "/invoke/hydra.v1.RoutingService/promote",
      ]
    ) {
      assert.equal(await stranger(path), 401, path);
    }
    const id = await bed.create("ok");
    await bed.workflows.submitDeploy(id);
    await bed.until(id, "ready");
    assert.match(await bed.worker.logTail(1_000), /requests to workflows refused: not signed by Restate/);
  } finally {
    await bed.stop();
  }
});

/** These move traffic, hand out slots and build; the platform itself never calls them from outside of a workflow. */
Deno.test("handlers that only workflows call cannot be called through Restate's ingress", async () => {
  const bed = await WorkerBed.start();
  try {
    const call = async (path: string): Promise<string> => {
      const headers = { "content-type": "application/json" };
      const response = await fetch(`${bed.ingressUrl}/${path}`, { method: "POST", headers, body: "{}" });
      return `${response.status} ${(await response.text()).slice(0, 200)}`;
    };
    for (
      const path of [
        "hydra.v1.RoutingService/env_1/assign",
        "hydra.v1.RoutingService/env_1/stop/send",
        "hydra.v1.BuildSlotService/ws_1/acquire",
        "hydra.v1.BuildSlotService/ws_1/release/send",
        "hydra.v1.BuildService/BuildDockerImage",
        "hydra.v1.DeploymentService/d_1/slotOffered",
      ]
    ) {
      assert.match(await call(path), /^400 .*not public/, path);
    }
    const id = await bed.create("ok");
    await bed.workflows.submitDeploy(id);
    await bed.until(id, "ready");
  } finally {
    await bed.stop();
  }
});
