import assert from "node:assert/strict";
import { listEndpoints, requestCancel } from "../../internal/store/mod.ts";
import { deliverStops, instanceReport, orThrow, report, RETENTION } from "../testing.ts";
import { back, onEnvironment, type TestEnvironment } from "../testing_environment.ts";
import { rollbackFrom, withStopped } from "./testing.ts";

async function events(environment: TestEnvironment, id: string): Promise<readonly string[]> {
  const rows = await environment.db.kysely.selectFrom("deployment_events").select(["kind", "payload"])
    .where("deployment_id", "=", id).orderBy("sequence").execute();
  return rows.map(({ kind, payload }) => {
    const { status, name } = JSON.parse(payload);
    return kind === "step" ? `${name} ${status}` : status ?? kind;
  });
}

Deno.test("a start brings a stopped deployment back, without moving traffic", () =>
  onEnvironment(async (environment) => {
    const [d1] = await withStopped(environment);
    const before = await environment.picture();
    assert.equal(before["statuses"], "stopped ready ready");
    const count = (await events(environment, d1)).length;
    const outcome = orThrow(await environment.start(d1, { kind: "nothing" }));
    assert.equal(outcome.kind, "started");
    assert.deepEqual(await environment.picture(), {
      ...before,
      statuses: "ready ready ready",
      started: ["d1", "d2", "d3"],
    });
    // Who follows the deployment sees it start like a deploy.
    assert.deepEqual((await events(environment, d1)).slice(count), [
      "deploying",
      "deploying running",
      "deploying done",
      "ready",
    ]);
  }));

Deno.test("a rollback to a stopped deployment starts it first; promote ends it", () =>
  onEnvironment(async (environment) => {
    const [d1, , d3] = await withStopped(environment);
    const outcome = orThrow(await environment.start(d1, rollbackFrom(d3)));
    assert.equal(outcome.kind, "switched");
    const after = await environment.picture();
    assert.deepEqual([after["live"], after["rolledBack"], after["starts"]], ["d1", true, []]);
    await environment.stopNow(await environment.create().then(() => environment.ids[1] ?? ""));
    const d2 = environment.ids[1] ?? "";
    assert.equal(orThrow(await environment.start(d2, { kind: "promote" })).kind, "switched");
    const { live, rolledBack } = await environment.picture();
    assert.deepEqual([live, rolledBack], ["d2", false]);
  }));

/** Its containers may be gone without a report; their addresses may belong to other apps by now. */
Deno.test("a start waits for new instances, also when the end of the former ones was not reported", () =>
  onEnvironment(async (environment) => {
    const d1 = await environment.deployNew();
    const d2 = await environment.deployNew();
    orThrow(await environment.stopByUser(d1));
    assert.deepEqual(await listEndpoints(environment.db.kysely, [d1]), []);
    let waits = 0;
    const outcome = orThrow(
      await environment.start(d1, rollbackFrom(d2), {
        onWait: (count, world) => {
          waits = count;
          return report(environment.db, d1, world.nowMs, [instanceReport()]);
        },
      }),
    );
    assert.equal(outcome.kind, "switched");
    assert.ok(waits > 0, "it switched to instances that were not reported since");
  }));

Deno.test("a start that fails leaves everything as it was, and says why", async (t) => {
  const crashed = instanceReport({
    status: "failed",
    reason: "crash_loop",
    exit_code: 1,
    message: "The app ended with exit code 1 again and again.",
    last_log_lines: '["boom"]',
  });
  const gone = instanceReport({
    status: "failed",
    reason: "image_pull",
    message: "The image does not exist any more.",
    address: "",
  });
  const refused = instanceReport({
    status: "pending",
    reason: "refused",
    message: "Kubernetes does not take the app's pods: a rule.",
    address: "",
  });
  const cases: readonly [
    string,
    string,
    RegExp,
    (environment: TestEnvironment, id: string, nowMs: number) => Promise<void>,
  ][] = [
    [
      "the app crashes",
      "crash_loop",
      /exit code 1.*\nboom/s,
      (environment, id, nowMs) => report(environment.db, id, nowMs, [crashed]),
    ],
    [
      "its image is gone",
      "image_unavailable",
      /does not exist any more/,
      (environment, id, nowMs) => report(environment.db, id, nowMs, [gone]),
    ],
    [
      "its cluster refuses it, and goes on doing so",
      "refused",
      /^Kubernetes does not take the app's pods/,
      (environment, id, nowMs) => report(environment.db, id, nowMs, [refused]),
    ],
    ["its region's agent has timed out", "no_region", /No agent is connected/, () => Promise.resolve()],
    [
      "it is not ready in time",
      "not_ready_in_time",
      /was not ready/,
      (environment, id, nowMs) => report(environment.db, id, nowMs, []),
    ],
  ];
  for (const [name, code, text, meanwhile] of cases) {
    await t.step(name, () =>
      onEnvironment(async (environment) => {
        const [d1, , d3] = await withStopped(environment);
        if (code === "no_region") await environment.db.kysely.deleteFrom("agents").execute();
        const before = await environment.picture();
        const outcome = orThrow(
          await environment.start(d1, rollbackFrom(d3), {
            onWait: (_count, world) => meanwhile(environment, d1, world.nowMs),
          }),
        );
        assert.ok(outcome.kind === "failed");
        assert.equal(outcome.code, code);
        assert.match(outcome.message, text);
        assert.deepEqual(await environment.picture(), before);
        const row = await environment.db.kysely.selectFrom("deployments").select([
          "failure_code",
          "error_message",
        ])
          .where("id", "=", d1).executeTakeFirstOrThrow();
        assert.deepEqual(row, { failure_code: code, error_message: outcome.message });
      }));
  }
});

/** A preview that was stopped by its user keeps its branch's name. */
Deno.test("a start that fails ends stopped again, also when names lead to the deployment", () =>
  onEnvironment(async (environment) => {
    const [d1] = await withStopped(environment);
    const { kysely } = environment.db;
    await kysely.updateTable("frontline_routes").set({ deployment_id: d1, sticky: "branch" })
      .where("sticky", "=", "none").where("deployment_id", "=", d1).execute();
    const crashed = instanceReport({ status: "failed", reason: "crash_loop", exit_code: 1 });
    const outcome = orThrow(
      await environment.start(d1, { kind: "nothing" }, {
        onWait: (_count, world) => report(environment.db, d1, world.nowMs, [crashed]),
      }),
    );
    assert.equal(outcome.kind, "failed");
    const row = await kysely.selectFrom("deployments").select("status").where("id", "=", d1)
      .executeTakeFirstOrThrow();
    assert.equal(row.status, "stopped");
  }));

Deno.test("a cancelled start is taken back, whether it comes while it waits or before", async (t) => {
  await t.step("while it waits", () =>
    onEnvironment(async (environment) => {
      const [d1, , d3] = await withStopped(environment);
      const before = await environment.picture();
      const outcome = orThrow(
        await environment.start(d1, rollbackFrom(d3), {
          onWait: (_count, world) => void world.signals.add("cancel"),
        }),
      );
      assert.deepEqual(outcome, { kind: "cancelled" });
      assert.deepEqual(await environment.picture(), before);
    }));
});

/** While it starts, the environment goes on: the switch is asked for again and refused. */
Deno.test("a start whose switch is refused is taken back", () =>
  onEnvironment(async (environment) => {
    const [d1, d2, d3] = await withStopped(environment);
    const outcome = orThrow(
      await environment.start(d1, rollbackFrom(d3), {
        onWait: async (_count, world) => {
          orThrow(await environment.move({ kind: "rollback", ...back(d3, d2) }));
          await report(environment.db, d1, world.nowMs, [instanceReport()]);
        },
      }),
    );
    assert.ok(outcome.kind === "refused");
    assert.match(outcome.refusal.message, /is not the live one/);
    const { live, statuses, started, starts } = await environment.picture();
    assert.deepEqual({ live, statuses, started, starts }, {
      live: "d2",
      statuses: "stopped ready ready",
      started: ["d2", "d3"],
      starts: [],
    });
  }));

Deno.test("a ready deployment whose instances are missing is waited for, and left running when they do not come", () =>
  onEnvironment(async (environment) => {
    const d1 = await environment.deployNew();
    const d2 = await environment.deployNew();
    await report(environment.db, d1, environment.world.nowMs, []);
    const before = await environment.picture();
    const late = orThrow(
      await environment.start(d1, rollbackFrom(d2), {
        onWait: (_count, world) => report(environment.db, d1, world.nowMs, []),
      }),
    );
    assert.equal(late.kind, "failed");
    assert.deepEqual(await environment.picture(), before);
    assert.equal(orThrow(await environment.start(d1, rollbackFrom(d2))).kind, "switched");
    assert.equal((await environment.picture())["live"], "d1");
  }));

/** A cancel of what was live leaves its mark on a deployment that goes on running for a while. */
Deno.test("a deployment that a cancel took the traffic from can be waited for and promoted", () =>
  onEnvironment(async (environment) => {
    const [d1, d2] = [await environment.deployNew(), await environment.deployNew()];
    orThrow(await environment.move({ kind: "rollback", ...back(d2, d1), cancels: true }));
    await report(environment.db, d2, environment.world.nowMs, []);
    assert.equal(orThrow(await environment.start(d2, { kind: "promote" })).kind, "switched");
    assert.equal((await environment.picture())["live"], "d2");
  }));

Deno.test("nothing is started in an environment that was deleted", async (t) => {
  for (const instances of ["stopped", "missing"] as const) {
    await t.step(`its instances are ${instances}`, () =>
      onEnvironment(async (environment) => {
        const [d1, , d3] = await withStopped(environment);
        if (instances === "missing") await report(environment.db, d3, environment.world.nowMs, []);
        await environment.db.kysely.updateTable("environments").set({ deleted_at: 1 }).execute();
        const before = await environment.picture();
        const outcome = orThrow(
          await environment.start(instances === "stopped" ? d1 : d3, { kind: "nothing" }),
        );
        assert.ok(outcome.kind === "refused");
        assert.match(outcome.refusal.message, /environment was deleted/);
        assert.deepEqual(await environment.picture(), before);
      }));
  }
});

/** The cancel is recorded before the workflow gets its signal: the workflow may be past all its waits in between. */
Deno.test("a cancel that is recorded before a start ends is seen at its end", () =>
  onEnvironment(async (environment) => {
    const [d1, , d3] = await withStopped(environment);
    const before = await environment.picture();
    const outcome = orThrow(
      await environment.start(d1, rollbackFrom(d3), {
        onFinish: () => requestCancel(environment.db.kysely, { id: d1, nowMs: environment.world.nowMs }),
      }),
    );
    assert.deepEqual(outcome, { kind: "cancelled" });
    assert.deepEqual(await environment.picture(), before);
  }));

/** A rollback to a warm deployment waits for its instances, and the stop of it may be due just then. */
Deno.test("a scheduled stop leaves a deployment alone whose start is under way", () =>
  onEnvironment(async (environment) => {
    const [d1, d2] = [await environment.deployNew(), await environment.deployNew()];
    await report(environment.db, d1, environment.world.nowMs, []);
    const outcome = orThrow(
      await environment.start(d1, rollbackFrom(d2), {
        onWait: async (_count, world) => {
          assert.deepEqual(await deliverStops(environment.db, environment.world, RETENTION.warmMs), [
            "serving",
          ]);
          await report(environment.db, d1, world.nowMs, [instanceReport()]);
        },
      }),
    );
    assert.equal(outcome.kind, "switched");
    assert.equal((await environment.picture())["live"], "d1");
  }));

Deno.test("only one start of a deployment is under way", () =>
  onEnvironment(async (environment) => {
    const [d1] = await withStopped(environment);
    await environment.db.kysely.insertInto("deployment_starts")
      .values({ deployment_id: d1, start_id: "start_other", created_at: environment.world.nowMs, is_cold: 0 })
      .execute();
    const outcome = orThrow(await environment.start(d1, { kind: "nothing" }));
    assert.deepEqual(outcome, { kind: "busy", startId: "start_other" });
    await environment.db.kysely.updateTable("deployment_starts").set({ created_at: 1 }).execute();
    assert.equal(orThrow(await environment.start(d1, { kind: "nothing" })).kind, "started");
  }));

Deno.test("a deployment that was never ready is not started", () =>
  onEnvironment(async (environment) => {
    const id = await environment.create();
    for (const status of ["failed", "deploying", "pending"] as const) {
      await environment.db.kysely.updateTable("deployments").set({ status }).where("id", "=", id).execute();
      const before = await environment.picture();
      assert.equal(orThrow(await environment.start(id, { kind: "nothing" })).kind, "refused", status);
      assert.deepEqual(await environment.picture(), before);
    }
  }));
