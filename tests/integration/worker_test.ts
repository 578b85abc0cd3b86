/** The durable services on a real Restate server, with the worker as a process that is killed. */
import assert from "node:assert/strict";
import { isFault } from "../../pkg/fault/mod.ts";
import { parseId } from "../../pkg/uid/mod.ts";
import { findDeployment, listRoutesOfDeployment, listTopology } from "../../svc/ctrl/internal/store/mod.ts";
import { instanceReport } from "../../svc/ctrl/worker/testing.ts";
import { eventually } from "../testbed/wait.ts";
import { WorkerBed } from "./worker_bed.ts";

const STARTING = instanceReport({ status: "pending", reason: "starting", address: "" });

const actor = { kind: "system", name: "test" } as const;
const to = (targetDeploymentId: string) => ({ targetDeploymentId, actor });
const back = (sourceDeploymentId: string, targetDeploymentId: string) => ({
  sourceDeploymentId,
  targetDeploymentId,
  cancels: false,
  actor,
});

/** Of the time from one attempt's begin to the next; without a longest pause it would be more by then. */
const PAUSE_MS_MAX = 5_000;

async function onBed(test: (bed: WorkerBed) => Promise<void>): Promise<void> {
  const bed = await WorkerBed.start();
  try {
    await test(bed);
  } finally {
    await bed.stop();
  }
}

/** The server suspends after every await, so every line between two of them runs again and again. */
Deno.test("deploys on a server that suspends at every await", async (t) => {
  const variable = "RESTATE_WORKER__INVOKER__INACTIVITY_TIMEOUT";
  Deno.env.set(variable, "0s");
  try {
    await onBed(async (bed) => {
      await t.step("build, start, ready; submitted twice, done once", async () => {
        const id = await bed.create("ok");
        await bed.workflows.submitDeploy(id);
        await bed.workflows.submitDeploy(id);
        await bed.until(id, "ready");
        const history = await bed.history(id);
        // In one piece or in several, as they came.
        const lines = history.filter((each) => each.startsWith("log ")).map((each) => each.slice(4)).join(
          "|",
        );
        assert.match(lines, /^compiling\|done in \d+\.\d s$/);
        assert.deepEqual(history.filter((each) => !each.startsWith("log ")), [
          "status pending",
          "status building",
          "step building running",
          "step building done",
          "status deploying",
          "step deploying running",
          "status network",
          "step deploying done",
          "step network running",
          "step network done",
          "status ready",
        ]);
      });
      await t.step("a failing Dockerfile is final at once and says why", async () => {
        const id = await bed.create("fail");
        await bed.workflows.submitDeploy(id);
        await bed.until(id, "failed");
        const row = await findDeployment(bed.db.kysely, id);
        assert.equal(row?.failure_code, "build_failed");
        assert.equal(
          row?.error_message,
          '"RUN make" failed with exit code 2.\nIts last output:\nno rule to make target',
        );
      });
      await t.step("a crash loop ends in seconds with the app's last lines", async () => {
        bed.behaviour = () => [
          instanceReport({
            status: "failed",
            reason: "crash_loop",
            exit_code: 1,
            last_log_lines: '["boom"]',
          }),
        ];
        const id = await bed.create();
        await bed.workflows.submitDeploy(id);
        await bed.until(id, "failed");
        assert.ok((await bed.history(id)).includes("log boom"));
        assert.deepEqual((await listTopology(bed.db.kysely, id)).map((each) => each.desired_status), [
          "stopped",
        ]);
        assert.deepEqual(await listRoutesOfDeployment(bed.db.kysely, id), []);
      });
      await t.step("a cancel while it waits undoes it", async () => {
        bed.behaviour = () => [STARTING];
        const id = await bed.create();
        await bed.workflows.submitDeploy(id);
        await bed.until(id, "deploying");
        await bed.workflows.cancelDeploy(id);
        await bed.until(id, "cancelled");
        assert.deepEqual((await listTopology(bed.db.kysely, id)).map((each) => each.desired_status), [
          "stopped",
        ]);
      });
      await t.step("a cancel stops the builder too", async () => {
        const id = await bed.create("slow-60000");
        await bed.workflows.submitDeploy(id);
        await bed.until(id, "building");
        await eventually(
          "the build to have begun",
          async () => (await bed.history(id)).includes("log compiling"),
        );
        await bed.workflows.cancelDeploy(id);
        await bed.until(id, "cancelled");
        await eventually(
          "the builder to have stopped",
          async () => (await bed.worker.logTail(100)).includes("fake build aborted"),
        );
      });
      await t.step("a cancel that comes before its deploy is not lost", async () => {
        const id = await bed.create();
        await bed.workflows.cancelDeploy(id);
        await bed.workflows.submitDeploy(id);
        await bed.until(id, "cancelled");
      });
      await t.step("a change for a deploy that never ran, or has ended, does nothing", async () => {
        const never = await bed.create();
        await bed.workflows.instancesChanged(never);
        const ended = await bed.create("fail");
        await bed.workflows.submitDeploy(ended);
        await bed.until(ended, "failed");
        await bed.workflows.instancesChanged(ended);
        await bed.workflows.cancelDeploy(ended);
        assert.deepEqual([await bed.status(never), await bed.status(ended)], ["pending", "failed"]);
      });
    });
  } finally {
    Deno.env.delete(variable);
  }
});

Deno.test("deploys through deaths of the worker", async (t) => {
  await onBed(async (bed) => {
    const deployed = async (): Promise<ReturnType<typeof bed.create>> => {
      bed.behaviour = () => [instanceReport()];
      const id = await bed.create();
      await bed.workflows.submitDeploy(id);
      await bed.until(id, "ready");
      return id;
    };
    await t.step("killed while it waits, it goes on soon after the worker is back", async () => {
      bed.behaviour = () => [STARTING];
      const id = await bed.create();
      await bed.workflows.submitDeploy(id);
      await bed.until(id, "deploying");
      await bed.worker.kill("SIGKILL");
      bed.behaviour = () => [instanceReport()];
      // By then the pauses between attempts have grown to their longest.
      await eventually("Restate to have tried often, and to try again soon", async () => {
        const { failed, pauseMs } = await bed.attempts(id);
        return failed >= 8 && pauseMs < PAUSE_MS_MAX;
      });
      await bed.worker.start();
      await bed.until(id, "ready");
    });
    await t.step("killed during the build, it builds again and says so", async () => {
      bed.behaviour = () => [instanceReport()];
      const id = await bed.create("gate");
      await bed.workflows.submitDeploy(id);
      await eventually(
        "the build to have begun",
        async () => (await bed.history(id)).includes("log compiling"),
      );
      await bed.worker.kill("SIGKILL");
      await bed.finishBuild(id);
      await bed.worker.start();
      await bed.until(id, "ready");
      const history = await bed.history(id);
      const notice = history.findIndex((each) => each.startsWith("notice The build was interrupted"));
      assert.ok(notice > 0, history.join("\n"));
      assert.deepEqual(history.filter((each) => each.startsWith("log compiling")).length, 2);
      assert.equal(history.at(-1), "status ready");
    });
    await t.step("stopped gently, a worker at another address takes over", async () => {
      bed.behaviour = () => [STARTING];
      const id = await bed.create();
      await bed.workflows.submitDeploy(id);
      await bed.until(id, "deploying");
      await bed.worker.kill("SIGTERM");
      assert.ok(!(await bed.worker.logTail(1_000)).includes("did not end in time"), "nothing was waited for");
      bed.behaviour = () => [instanceReport()];
      await bed.replaceWorker();
      await bed.until(id, "ready");
    });
    await t.step("Restate killed and started again goes on", async () => {
      bed.behaviour = () => [STARTING];
      const id = await bed.create();
      await bed.workflows.submitDeploy(id);
      await bed.until(id, "deploying");
      await bed.restate.kill("SIGKILL");
      await bed.restate.start();
      bed.behaviour = () => [instanceReport()];
      await bed.until(id, "ready");
    });
    await t.step(
      "rollback and promote answer when traffic has moved, and refuse with the gate's text",
      async () => {
        const d1 = await deployed();
        const d2 = await deployed();
        const live = async (): Promise<string | null> => {
          const row = await bed.db.kysely.selectFrom("environments").select("live_deployment_id")
            .where("id", "=", bed.environment).executeTakeFirstOrThrow();
          return row.live_deployment_id;
        };
        await bed.workflows.rollback(bed.environment, back(d2, d1));
        assert.equal(await live(), d1);
        await bed.workflows.promote(bed.environment, to(d2));
        assert.equal(await live(), d2);
        const refused = await bed.workflows.promote(bed.environment, to(d2)).then(
          () => undefined,
          (error: unknown) => error,
        );
        assert.ok(isFault(refused, "failed_precondition"), String(refused));
        assert.match(refused.publicMessage ?? "", /is live already/);
        const missing = parseId("deployment", "id", "d_missing");
        await assert.rejects(
          bed.workflows.promote(bed.environment, to(missing)),
          (error) => isFault(error, "not_found"),
        );
      },
    );
    await t.step("what lost its traffic longer ago is stopped after the grace time", async () => {
      const d3 = await deployed();
      await eventually("old deployments to be stopped", async () => {
        const rows = await bed.db.kysely.selectFrom("deployments").select("status").where("id", "!=", d3)
          .where("status", "=", "stopped").execute();
        return rows.length > 0;
      });
      assert.equal(await bed.status(d3), "ready");
    });
  });
});
