import assert from "node:assert/strict";
import { message } from "../../../../pkg/build/progress/testing.ts";
import { BuildProgress } from "../../../../pkg/build/progress/progress.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { seedDeployment, seedProject } from "../../internal/store/testing.ts";
import { listEventsAfter } from "../../internal/store/mod.ts";
import { memoryDatabase } from "../testing.ts";
import { BuildLogSink } from "./log_sink.ts";

const EVENTS_MAX = 1_000;

/** The log after `play` has pushed lines, all before the second flush. */
async function logged(play: (sink: BuildLogSink) => void, failedWrites = 0): Promise<readonly string[]> {
  const db = await memoryDatabase();
  // Time stands still until the sink is closed.
  let left = failedWrites;
  const clock: Clock = {
    now: () => {
      // Called in the transaction of a write.
      if (left-- > 0) throw new Error("the database is away");
      return 1;
    },
    sleep: (_ms, signal) =>
      new Promise((_resolve, reject) => {
        if (signal?.aborted) reject(signal.reason);
        signal?.addEventListener("abort", () => reject(signal.reason));
      }),
  };
  try {
    const { id } = await seedDeployment(db, await seedProject(db));
    const sink = new BuildLogSink({ db, clock, log: silentLogger(), linesHeldMax: 5_000 }, id);
    play(sink);
    await sink.close();
    return (await listEventsAfter(db.kysely, id, 0, EVENTS_MAX)).flatMap(({ payload }) =>
      payload.kind === "log" ? payload.lines.map((line) => `${payload.origin}:${line}`) : []
    );
  } finally {
    await db.close();
  }
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => String(from + index));

function assertLog(lines: readonly string[], first: readonly string[], last: string, count: number): void {
  assert.deepEqual(lines.slice(0, first.length), first);
  assert.deepEqual([lines.at(-1), lines.length], [last, count]);
}

/** All of it was lost: the lines of one step were one piece, and went as one. */
Deno.test("of a step that prints more than is held, only the oldest lines are left out", async () => {
  const lines = await logged((sink) => {
    for (const line of numbers(0, 5_001)) sink.push("run", [line]);
  });
  assertLog(lines, [":... 1 lines were left out ...", "run:1", "run:2"], "run:5000", 5_001);
});

Deno.test("the oldest lines are those of the steps before", async () => {
  const lines = await logged((sink) => {
    sink.push("from", numbers(0, 3));
    sink.push("run", numbers(0, 4_998));
    sink.push("copy", numbers(0, 1));
  });
  assertLog(lines, [":... 2 lines were left out ...", "from:2", "run:0"], "copy:0", 5_001);
});

/** As arguments of one call they would not fit on the stack. */
Deno.test("lines that come at once may be any number", async () => {
  const lines = await logged((sink) => {
    sink.push("run", ["first"]);
    sink.push("run", numbers(0, 500_000));
  });
  assertLog(lines, [":... 495001 lines were left out ...", "run:495000"], "run:499999", 5_001);
});

Deno.test("after a write that failed the lines are written once, and the count is right", async () => {
  const lines = await logged((sink) => {
    for (const line of numbers(0, 7_000)) sink.push("run", [line]);
  }, 2);
  assertLog(lines, [":... 2000 lines were left out ...", "run:2000"], "run:6999", 5_001);
});

Deno.test("a line that stands for others counts as these when it is left out", async () => {
  const lines = await logged((sink) => {
    sink.push("make", ["... 13,026 lines are missing here ...", "end"]);
    sink.push("run", numbers(0, 5_000));
  });
  assertLog(lines, [":... 13027 lines were left out ...", "run:0"], "run:4999", 5_001);
});

/** The error of a build stands there, and a slow database must not cost it. */
Deno.test("the end of a step that fails is written, whatever was printed before", async () => {
  const name = "[v 1/1] RUN v";
  const lines = await logged((sink) => {
    const progress = new BuildProgress((event) => {
      if (event.kind === "log") sink.push(event.stepName, event.lines);
      else sink.push(event.name, [event.status]);
    });
    const running = { startedAt: 1 };
    progress.push(message([running]));
    for (const line of numbers(0, 25_000)) progress.push(message([], [["v", `${line}\n`]]));
    progress.push(message([{ ...running, endedAt: 2, error: "exit code: 1" }]));
  });
  // The status at the beginning is one of those that were left out.
  assertLog(lines, [":... 7003 lines were left out ...", `${name}:7002`], `${name}:failed`, 5_001);
  assert.deepEqual(lines.slice(2_998, 3_001), [
    `${name}:9999`,
    `${name}:... 13,000 lines are missing here ...`,
    `${name}:23000`,
  ]);
  assert.equal(lines.at(-2), `${name}:24999`);
});

Deno.test("what fits is left as it is", async () => {
  const lines = await logged((sink) => {
    sink.push("run", numbers(0, 4_999));
    sink.push("copy", ["a"]);
    sink.push("run", []);
  });
  assertLog(lines, ["run:0", "run:1"], "copy:a", 5_000);
});
