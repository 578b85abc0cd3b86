/** Workers that come and go on a real Restate server, each at an address of its own. */
import assert from "node:assert/strict";
import { instanceReport } from "../../svc/ctrl/worker/testing.ts";
import { WorkerBed } from "./worker_bed.ts";

const STARTING = instanceReport({ status: "pending", reason: "starting", address: "" });

/** Without a take-over, deploys of a worker that is gone would wait for ever, and so would new ones when the newest is gone. */
Deno.test("workers take over from each other, whichever goes and whenever", async (t) => {
  const bed = await WorkerBed.start();
  try {
    bed.behaviour = () => [STARTING];
    const begun = await bed.create();
    await bed.workflows.submitDeploy(begun);
    await bed.until(begun, "deploying");
    const first = await bed.addWorker();
    await t.step("the old one goes after the new one came, as when workers are rolled", async () => {
      await first.kill("SIGTERM");
      assert.match(await first.logTail(), /workflows left to another worker/);
      bed.behaviour = () => [instanceReport()];
      await bed.until(begun, "ready");
    });
    await t.step("the newest one goes, as when there are to be fewer", async () => {
      bed.behaviour = () => [STARTING];
      await bed.addWorker();
      const second = await bed.create();
      await bed.workflows.submitDeploy(second);
      await bed.until(second, "deploying");
      await bed.worker.kill("SIGKILL");
      bed.behaviour = () => [instanceReport()];
      const third = await bed.create();
      await bed.workflows.submitDeploy(third);
      await bed.until(second, "ready");
      await bed.until(third, "ready");
    });
  } finally {
    await bed.stop();
  }
});
