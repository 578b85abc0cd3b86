/** The queue of builds on a real Restate server: one slot, several builds, and a worker that is killed. */
import assert from "node:assert/strict";
import type { DeploymentId } from "../../pkg/uid/mod.ts";
import { listBuildSlots, listSteps } from "../../svc/ctrl/internal/store/mod.ts";
import { seedDeployment } from "../../svc/ctrl/internal/store/testing.ts";
import { eventually } from "../testbed/wait.ts";
import { WorkerBed } from "./worker_bed.ts";

const AGEING_SECONDS = 600;

/** A bed for tests of the queue: its builds end when a test ends them. */
class QueueBed {
  readonly bed: WorkerBed;
  #createdAtMs = Date.now();

  constructor(bed: WorkerBed) {
    this.bed = bed;
  }

  /** Submits a build of a branch of its own, which runs until `finish`. */
  async build(environment: "production" | "preview", agedMs = 0): Promise<DeploymentId> {
    const { seed } = this.bed;
    this.#createdAtMs += 1_000;
    const id = await this.bed.create("gate", {
      environment_id: environment === "production" ? seed.productionId : seed.previewId,
      git_branch: crypto.randomUUID(),
      created_at: this.#createdAtMs - agedMs,
    });
    await this.bed.workflows.submitDeploy(id);
    return id;
  }

  async finish(id: string): Promise<void> {
    await this.bed.finishBuild(id);
  }

  /** The text of the wait, with names instead of ids. */
  async place(id: string, names: Readonly<Record<string, string>>): Promise<string> {
    const queued = (await listSteps(this.bed.db.kysely, id)).find((step) => step.name === "queued");
    return (queued?.message ?? "").replaceAll(/d_\w+/g, (each) => names[each] ?? each);
  }

  async reads(id: string, text: string, names: Readonly<Record<string, string>>): Promise<void> {
    await eventually(`it to read "${text}"`, async () => await this.place(id, names) === text);
  }

  /** No slot is held and no deploy waits; the last message of a deploy is delivered after it has ended. */
  async empty(): Promise<void> {
    const { db, seed } = this.bed;
    await eventually(
      "an empty queue",
      async () => (await listBuildSlots(db.kysely, [seed.workspaceId])).length === 0,
    );
  }
}

async function onBed(test: (queue: QueueBed) => Promise<void>): Promise<void> {
  const bed = await WorkerBed.start({
    UNKEY_BUILDS_MAX: "1",
    UNKEY_BUILD_QUEUE_AGEING_SECONDS: String(AGEING_SECONDS),
  });
  try {
    await test(new QueueBed(bed));
  } finally {
    await bed.stop();
  }
}

/** The server suspends after every await, so every line between two of them runs again and again. */
Deno.test("builds take turns on a server that suspends at every await", async (t) => {
  const variable = "RESTATE_WORKER__INVOKER__INACTIVITY_TIMEOUT";
  Deno.env.set(variable, "0s");
  try {
    await onBed(async (queue) => {
      const { bed } = queue;
      await t.step("production overtakes, and everybody reads where they stand", async () => {
        const v1 = await queue.build("preview");
        await bed.until(v1, "building");
        const v2 = await queue.build("preview");
        await bed.until(v2, "queued");
        const names = { [v1]: "v1", [v2]: "v2" };
        await queue.reads(
          v2,
          "Waiting for a build slot: next in line, running now: v1 of shop (preview).",
          names,
        );
        const p3 = await queue.build("production");
        await bed.until(p3, "queued");
        await queue.reads(
          v2,
          "Waiting for a build slot: 1 build ahead, running now: v1 of shop (preview).",
          names,
        );
        await queue.finish(v1);
        await bed.until(p3, "building");
        assert.equal(await bed.status(v2), "queued");
        await queue.finish(p3);
        await bed.until(v2, "building");
        await queue.finish(v2);
        for (const id of [v1, p3, v2]) await bed.until(id, "ready");
        const history = await bed.history(v2);
        assert.deepEqual(history.filter((each) => /^status|queued (done|failed)/.test(each)), [
          "status pending",
          "status queued",
          "status building",
          "step queued done",
          "status deploying",
          "status network",
          "status ready",
        ]);
        await queue.empty();
      });
      await t.step("a preview that has aged is not overtaken", async () => {
        const v1 = await queue.build("preview");
        await bed.until(v1, "building");
        const v2 = await queue.build("preview", (AGEING_SECONDS + 60) * 1_000);
        await bed.until(v2, "queued");
        const p3 = await queue.build("production");
        await bed.until(p3, "queued");
        await queue.finish(v1);
        await bed.until(v2, "building");
        assert.equal(await bed.status(p3), "queued");
        for (const id of [v2, p3]) await queue.finish(id);
        for (const id of [v1, v2, p3]) await bed.until(id, "ready");
        await queue.empty();
      });
      await t.step("an image waits for nobody", async () => {
        const v1 = await queue.build("preview");
        await bed.until(v1, "building");
        const image = await bed.create();
        await bed.workflows.submitDeploy(image);
        await bed.until(image, "ready");
        assert.ok(!(await bed.history(image)).some((each) => each.includes("queued")));
        assert.equal(await bed.status(v1), "building");
        await bed.workflows.cancelDeploy(v1);
        await bed.until(v1, "cancelled");
        await queue.empty();
      });
      await t.step("a cancel and a newer build end those that are queued, and leave nothing", async () => {
        const v1 = await queue.build("preview");
        await bed.until(v1, "building");
        const [v2, v3] = [await queue.build("preview"), await queue.build("preview")];
        for (const id of [v2, v3]) await bed.until(id, "queued");
        await bed.workflows.cancelDeploy(v2);
        await bed.until(v2, "cancelled");
        const row = await bed.db.kysely.selectFrom("deployments").selectAll().where("id", "=", v3)
          .executeTakeFirstOrThrow();
        const newer = await seedDeployment(bed.db, bed.seed, {
          environment_id: row.environment_id,
          git_branch: row.git_branch,
          image: null,
          source: "context",
          build_context_path: row.build_context_path,
          dockerfile_path: "ok",
        });
        assert.equal(await bed.status(v3), "superseded");
        // As the api does, to wake it.
        await bed.workflows.cancelDeploy(v3);
        await eventually(
          "both to be out of the queue",
          async () => (await listBuildSlots(bed.db.kysely, [bed.seed.workspaceId])).length === 1,
        );
        await queue.finish(v1);
        await bed.until(v1, "ready");
        assert.deepEqual([await bed.status(v2), await bed.status(v3)], ["cancelled", "superseded"]);
        assert.equal(await bed.status(newer.id), "pending");
        await queue.empty();
      });
    });
  } finally {
    Deno.env.delete(variable);
  }
});

Deno.test("a queue goes on through deaths of the worker and of Restate", async (t) => {
  await onBed(async (queue) => {
    const { bed } = queue;
    const kill = {
      "the worker": async () => {
        await bed.worker.kill("SIGKILL");
        await bed.worker.start();
      },
      "Restate": async () => {
        await bed.restate.kill("SIGKILL");
        await bed.restate.start();
      },
    };
    for (const [name, killed] of Object.entries(kill)) {
      await t.step(`${name} is killed while one build holds the slot and two wait`, async () => {
        const v1 = await queue.build("preview");
        await bed.until(v1, "building");
        const v2 = await queue.build("preview");
        await bed.until(v2, "queued");
        const p3 = await queue.build("production");
        await bed.until(p3, "queued");
        await killed();
        assert.deepEqual([await bed.status(v1), await bed.status(v2), await bed.status(p3)], [
          "building",
          "queued",
          "queued",
        ]);
        await queue.finish(v1);
        await bed.until(p3, "building");
        assert.equal(await bed.status(v2), "queued");
        await queue.finish(p3);
        await bed.until(v2, "building");
        await queue.finish(v2);
        for (const id of [v1, p3, v2]) await bed.until(id, "ready");
        await queue.empty();
      });
    }
    await t.step("the worker dies when the slot is offered", async () => {
      const v1 = await queue.build("preview");
      await bed.until(v1, "building");
      const v2 = await queue.build("preview");
      await bed.until(v2, "queued");
      await queue.finish(v1);
      await eventually(
        "the slot to leave the first build",
        async () =>
          (await listBuildSlots(bed.db.kysely, [bed.seed.workspaceId])).every((row) =>
            row.deployment_id !== v1
          ),
        {
          everyMs: 1,
        },
      );
      await bed.worker.kill("SIGKILL");
      await bed.worker.start();
      await queue.finish(v2);
      for (const id of [v1, v2]) await bed.until(id, "ready");
      await queue.empty();
    });
  });
});
