/** Crons of live deployments and the runs that they make, on every database. */
import type { KyselyPlugin } from "kysely";
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { SHARED_DATABASES } from "../../../../pkg/testkit/databases.ts";
import { recordEntry } from "../../internal/crons/entry.ts";
import { fireCron } from "../../internal/crons/mod.ts";
import { listDueCrons, openCtrlDatabase, setWorkspaceLimit, updateCron } from "../../internal/store/mod.ts";
import { testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { REGION } from "../testing.ts";
import { CLEANUP, HOUR_MS, onWorld, START_MS } from "../testing_crons.ts";
import { fireDueCrons, tidyCrons } from "./crons.ts";

const test = testOnCtrlDatabases();

test("a planned time makes one run, in the feed of its region, and names the next", (db) =>
  onWorld(db, async (world) => {
    const id = await world.deployLive(CLEANUP);
    assert.equal((await world.cron()).planned_at, START_MS + HOUR_MS);
    await world.after(HOUR_MS - 1);
    assert.deepEqual(await world.history(), []);
    await world.after(1);
    await world.after(0);
    assert.deepEqual(await world.history(), ["starting 1"]);
    const [run] = await world.runs();
    const expected = [id, REGION, '["npm","run","cleanup"]', "", "cleanup"];
    assert.deepEqual(
      [run?.deployment_id, run?.region, run?.command, run?.created_by, run?.cron_name],
      expected,
    );
    assert.deepEqual([...world.notifier.seen], [REGION]);
    const cron = await world.cron();
    assert.deepEqual([cron.planned_at, cron.last_run_id], [START_MS + 2 * HOUR_MS, run?.run_id]);
    await world.endRuns();
    await world.after(HOUR_MS);
    assert.deepEqual(await world.history(), ["succeeded 1", "starting 2"]);
  }));

test("overlap skips by default, and times in a row are one entry", (db) =>
  onWorld(db, async (world) => {
    await world.deployLive(CLEANUP);
    for (let hours = 1; hours <= 4; hours++) await world.after(HOUR_MS);
    assert.deepEqual(await world.history(), ["starting 1", "skipped 4 x3"]);
    const [run, skipped] = await world.runs();
    assert.ok(skipped?.message.includes(run?.run_id ?? "-"));
    await world.endRuns();
    await world.after(HOUR_MS);
    assert.deepEqual(await world.history(), ["succeeded 1", "skipped 4 x3", "starting 5"]);
  }));

test("overlap allows a second run, or replaces the first", (db) =>
  onWorld(db, async (world) => {
    await world.deployLive({ ...CLEANUP, overlap: "allow" });
    for (let hours = 1; hours <= 2; hours++) await world.after(HOUR_MS);
    assert.deepEqual(await world.history(), ["starting 1", "starting 2"]);
    await world.deployLive({ ...CLEANUP, overlap: "replace" });
    await world.after(HOUR_MS);
    assert.deepEqual(await world.history(), ["cancelled 1", "cancelled 2", "starting 3"]);
    const changes = await db.kysely.selectFrom("state_changes").select("resource_id")
      .where("resource_id", "in", (await world.runs()).map((run) => run.deployment_id)).execute();
    assert.equal(changes.length, 7, "two placements, three runs, two ends");
  }));

test("times that were missed are one late run, or are shown", (db) =>
  onWorld(db, async (world) => {
    await world.deployLive(CLEANUP);
    await world.after(3.5 * HOUR_MS);
    assert.deepEqual(await world.history(), ["missed 2 x2", "starting 3"]);
    await world.endRuns();
    await world.deployLive({ ...CLEANUP, schedule: "30 12 * * *" });
    const plannedAt = (await world.cron()).planned_at ?? 0;
    await world.after(plannedAt - world.nowMs + HOUR_MS + 1);
    const [, , missed] = await world.history();
    assert.match(missed ?? "", /^missed .* x1$/);
    assert.equal((await world.cron()).planned_at, plannedAt + 24 * HOUR_MS);
  }));

test("a run that cannot be made is shown with its reason", (db) =>
  onWorld(db, async (world) => {
    const { workspaceId } = world.seed;
    const id = await world.deployLive(CLEANUP);
    await setWorkspaceLimit(db.kysely, { workspaceId, name: "runs", value: 0, nowMs: world.nowMs });
    for (let hours = 1; hours <= 2; hours++) await world.after(HOUR_MS);
    await setWorkspaceLimit(db.kysely, { workspaceId, name: "runs", value: 5, nowMs: world.nowMs });
    await db.kysely.updateTable("deployments").set({ status: "stopped" }).where("id", "=", id).execute();
    await world.after(HOUR_MS);
    assert.deepEqual(await world.history(), ["refused 2 x2", "refused 3 x1"]);
    const [full, stopped] = await world.runs();
    assert.match(full?.message ?? "", /0 commands that run at once, and 0 are allowed/);
    assert.match(stopped?.message ?? "", /is stopped: "unkey start d_\w+" brings it back/);
  }));

test("crons move with the live deployment: what stays keeps its pause and its due time", (db) =>
  onWorld(db, async (world) => {
    const first = await world.deployLive(CLEANUP, { ...CLEANUP, name: "gone" }, {
      ...CLEANUP,
      name: "paused",
    });
    const paused = await world.cron("paused");
    await transact(db, (tx) => updateCron(tx, paused, { paused_at: 1, planned_at: null }));
    world.nowMs += HOUR_MS;
    // Due, and not looked at yet.
    const second = await world.deployLive(
      { ...CLEANUP, schedule: "15 * * * *", timeoutSeconds: 60 },
      { ...CLEANUP, name: "paused" },
      { ...CLEANUP, name: "new", schedule: "30 * * * *" },
    );
    assert.equal((await world.cron()).planned_at, START_MS + HOUR_MS);
    const gone = await world.cron("gone");
    assert.deepEqual([gone.planned_at, gone.removed_at], [null, world.nowMs]);
    assert.equal((await world.cron("paused")).planned_at, null);
    assert.equal((await world.cron("new")).planned_at, START_MS + 1.5 * HOUR_MS);
    await world.after(0);
    const [run] = await world.runs();
    assert.deepEqual([run?.deployment_id, run?.timeout_seconds], [second, 60]);
    assert.equal((await world.cron()).planned_at, START_MS + 1.25 * HOUR_MS, "the new schedule from then on");
    await world.goLive(first);
    const back = await world.cron("gone");
    assert.deepEqual([back.planned_at, back.removed_at, back.id], [START_MS + 2 * HOUR_MS, null, gone.id]);
    assert.equal((await world.cron("new")).planned_at, null);
  }));

test("crons run in production, and elsewhere where they name it", (db) =>
  onWorld(db, async (world) => {
    const crons = [CLEANUP, { ...CLEANUP, name: "everywhere", environments: ["preview", "production"] }];
    await world.deployLive(...crons);
    const environmentId = world.seed.previewId;
    await world.goLive(await world.deploy(crons, environmentId), { environmentId });
    await world.after(HOUR_MS);
    const runs = await world.runs();
    assert.deepEqual(runs.map((run) => `${run.environment_slug} ${run.cron_name}`).sort(), [
      "preview everywhere",
      "production cleanup",
      "production everywhere",
    ]);
  }));

test("a switch by a worker of the former release is made good, before a run and within a minute", (db) =>
  onWorld(db, async (world) => {
    await world.deployLive(CLEANUP, { ...CLEANUP, name: "gone" });
    const id = await world.deploy([CLEANUP, { ...CLEANUP, name: "new" }]);
    await world.goLive(id, { holds: false });
    await world.after(HOUR_MS);
    assert.deepEqual((await world.runs()).map((run) => [run.cron_name, run.deployment_id]), [[
      "cleanup",
      id,
    ]]);
    assert.equal((await world.cron("gone")).planned_at, null);
    const third = await world.deploy([{ ...CLEANUP, name: "third" }]);
    await world.goLive(third, { holds: false });
    await tidyCrons(world.deps, new AbortController().signal);
    assert.equal((await world.cron("third")).planned_at, world.nowMs + HOUR_MS);
    assert.equal((await world.cron()).planned_at, null);
  }));

test("two workers make one run of a time", async (db, url) => {
  const other = await openCtrlDatabase(url, { migrate: false, log: silentLogger() });
  try {
    await onWorld(db, async (world) => {
      const names = Array.from({ length: 12 }, (_, index) => `c${index}`);
      await world.deployLive(...names.map((name) => ({ ...CLEANUP, name })));
      world.nowMs += HOUR_MS;
      const signal = new AbortController().signal;
      await Promise.all([
        fireDueCrons(world.deps, signal),
        fireDueCrons({ ...world.deps, db: other }, signal),
      ]);
      await world.after(0);
      assert.deepEqual((await world.runs()).map((run) => run.cron_name ?? "").sort(), names.toSorted());
    });
  } finally {
    await other.close();
  }
}, SHARED_DATABASES);

/** Ends the process, as it were, in front of one statement. */
function crashAt(statement: number): { readonly plugin: KyselyPlugin; readonly crashed: () => boolean } {
  let count = 0;
  return {
    plugin: {
      transformQuery({ node }) {
        if (++count === statement) throw new Error("crash");
        return node;
      },
      transformResult: ({ result }) => Promise.resolve(result),
    },
    crashed: () => count >= statement,
  };
}

test("a crash in front of any statement loses no planned time, and doubles none", (db) =>
  onWorld(db, async (world) => {
    await world.deployLive({ ...CLEANUP, overlap: "replace" });
    let hours = 0;
    for (let statement = 1;; statement++) {
      await world.after(0);
      world.nowMs += HOUR_MS;
      hours++;
      const [due] = await listDueCrons(db.kysely, { nowMs: world.nowMs, after: undefined, limit: 1 });
      assert.ok(due !== undefined);
      const { plugin, crashed } = crashAt(statement);
      const fired = transact(db, (tx) => fireCron(tx.withPlugin(plugin), due, world.nowMs));
      if (!crashed()) await fired.then(() => undefined, () => undefined);
      if (!crashed()) break;
      await assert.rejects(fired);
      assert.equal((await world.runs()).length, hours - 1, `nothing is left of a crash at ${statement}`);
    }
    assert.ok(hours > 15, `the run of a time takes ${hours} statements`);
    const planned = (await world.runs()).map((run) => ((run.planned_at ?? 0) - START_MS) / HOUR_MS);
    assert.deepEqual(planned, Array.from({ length: hours }, (_, index) => index + 1));
  }));

test("a history keeps its newest entries", (db) =>
  onWorld(db, async (world) => {
    await world.deployLive(CLEANUP);
    const cron = await world.cron();
    await transact(db, async (tx) => {
      for (let minutes = 0; minutes < 210; minutes++) {
        const entry = { reason: "refused", message: String(minutes), plannedAt: minutes, times: 1 } as const;
        await recordEntry(tx, cron, entry, START_MS + minutes);
      }
    });
    await world.after(HOUR_MS);
    const rows = await db.kysely.selectFrom("deployment_tasks").select("planned_at").where(
      "cron_id",
      "=",
      cron.id,
    )
      .orderBy("planned_at").execute();
    assert.deepEqual([rows.length, rows[0]?.planned_at, rows.at(-1)?.planned_at], [
      200,
      11,
      START_MS + HOUR_MS,
    ]);
  }));

test("a cron that fails holds up no other", (db) =>
  onWorld(db, async (world) => {
    await world.deployLive({ ...CLEANUP, name: "broken" }, { ...CLEANUP, name: "well" });
    const broken = await world.cron("broken");
    await transact(db, (tx) => updateCron(tx, broken, { command: "{" }));
    await world.after(HOUR_MS);
    assert.deepEqual((await world.runs()).map((run) => run.cron_name), ["well"]);
    await transact(db, (tx) => updateCron(tx, broken, { command: broken.command }));
    await world.after(1);
    assert.deepEqual((await world.runs()).map((run) => run.cron_name), ["well", "broken"]);
  }));
