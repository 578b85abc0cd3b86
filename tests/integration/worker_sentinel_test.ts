import assert from "node:assert/strict";
import { findSentinelOf } from "../../svc/ctrl/internal/store/mod.ts";
import { REGION } from "../../svc/ctrl/worker/testing.ts";
import { eventually } from "../testbed/wait.ts";
import { WorkerBed } from "./worker_bed.ts";

/** Environments without a deploy for months must not stay behind on an old proxy. */
Deno.test("a deploy brings its environment's sentinel, and a worker with a new image upgrades it without one", async () => {
  const env: Record<string, string> = {
    UNKEY_SENTINEL_IMAGE: "registry.example/unkey:1",
    UNKEY_VAULT_MASTER_KEYS: "bWFzdGVyLW1hc3Rlci1tYXN0ZXItbWFzdGVyLW1hc3Q=",
  };
  const bed = await WorkerBed.start(env);
  try {
    const sentinel = () => findSentinelOf(bed.db.kysely, bed.seed.productionId, REGION);
    const id = await bed.create("ok");
    await bed.workflows.submitDeploy(id);
    await bed.until(id, "ready");
    const first = await sentinel();
    assert.deepEqual([first?.image, first?.desired_replicas, first?.desired_state], [
      "registry.example/unkey:1",
      3,
      "running",
    ]);

    await bed.worker.kill("SIGTERM");
    env["UNKEY_SENTINEL_IMAGE"] = "registry.example/unkey:2";
    await bed.worker.start();
    await eventually("the upgrade", async () => (await sentinel())?.image === "registry.example/unkey:2");
    const second = await sentinel();
    assert.deepEqual([second?.id, second?.token_hash], [first?.id, first?.token_hash]);
    assert.ok((second?.version ?? 0) > (first?.version ?? 0), "its agent is notified");

    await bed.worker.kill("SIGTERM");
    delete env["UNKEY_SENTINEL_IMAGE"];
    await bed.worker.start();
    await eventually(
      "it to go with the setting",
      async () => (await sentinel())?.desired_state === "archived",
    );
  } finally {
    await bed.stop();
  }
});
