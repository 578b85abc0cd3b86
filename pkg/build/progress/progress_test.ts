import assert from "node:assert/strict";
import type { StatusResponse } from "../../../proto/gen/moby/buildkit/v1/control_pb.ts";
import { message, play } from "./testing.ts";
import { missingLines } from "./texts.ts";

const RUNS = { startedAt: 1 };
const DONE = { startedAt: 1, endedAt: 2 };
const FAILED = { startedAt: 1, endedAt: 2, error: "exit code: 1" };

const CASES: readonly {
  readonly name: string;
  readonly messages: readonly StatusResponse[];
  readonly shown: readonly string[];
}[] = [
  {
    name: "lines of two streams, each whole",
    messages: [
      message([RUNS], [["v", "one\ntw"], ["v", "err\n", 2]]),
      message([DONE], [["v", "o\n10%\r100%\r\n"]]),
    ],
    shown: ["v running", "one", "err", "two", "100%", "v done"],
  },
  {
    name: "the output before the end, also of a last line without an end",
    messages: [message([RUNS]), message([DONE], [["v", "last\nhalf"]])],
    shown: ["v running", "last", "half", "v done"],
  },
  {
    name: "output that comes behind the end",
    messages: [message([DONE], [["v", "a\n"]]), message([], [["v", "late\nhalf"]])],
    shown: ["a", "v done", "late", "half"],
  },
  {
    name: "each status once",
    messages: [message([{}]), message([RUNS, RUNS]), message([DONE]), message([DONE, {}])],
    shown: ["v running", "v done"],
  },
  {
    name: "a step from the cache",
    messages: [message([{ startedAt: 1, cached: true }]), message([{ ...DONE, cached: true }])],
    shown: ["v cached"],
  },
  {
    name: "a base image that is looked up, then pulled",
    messages: [message([DONE]), message([{ startedAt: 3 }]), message([{ startedAt: 3, endedAt: 4 }])],
    shown: ["v running", "v done"],
  },
  {
    name: "a base image that is looked up, and is there",
    messages: [message([DONE]), message([{ startedAt: 3, endedAt: 3, cached: true }])],
    shown: ["v cached"],
  },
  {
    name: "a step that is over at once, before what comes next",
    messages: [message([DONE, { id: "w", ...DONE }]), message([{ id: "x", ...RUNS }])],
    shown: ["v done", "w done", "x running"],
  },
  {
    name: "a step that is over at once, at the end of the build",
    messages: [message([DONE]), message([{}])],
    shown: ["v done"],
  },
  {
    name: "a step that begins again in the same message",
    messages: [message([RUNS, DONE, { startedAt: 3 }]), message([{ ...FAILED, startedAt: 3 }])],
    shown: ["v running", "v failed"],
  },
  {
    name: "output of a step that is not known",
    messages: [message([], [["w", "a\n"]])],
    shown: [],
  },
];

Deno.test("BuildProgress reports events in their order", async (t) => {
  for (const { name, messages, shown } of CASES) {
    await t.step(name, () => {
      assert.deepEqual(play((push) => messages.forEach(push)).shown, shown);
    });
  }
});

Deno.test("BuildProgress blames the step that failed by itself", async (t) => {
  const cancelled = { ...FAILED, error: "process did not complete: context canceled" };
  const cases: readonly [name: string, messages: readonly StatusResponse[], failed: string | undefined][] = [
    ["one of several", [message([RUNS, { id: "w", ...RUNS }]), message([{ id: "w", ...FAILED }])], "w"],
    ["behind one that it stopped", [message([cancelled]), message([{ id: "w", ...FAILED }])], "w"],
    ["the first one", [message([{ id: "w", ...FAILED }]), message([FAILED])], "w"],
    ["after an end without an error", [message([DONE]), message([{ ...FAILED, startedAt: 3 }])], "v"],
    ["none that went well at last", [message([FAILED]), message([{ startedAt: 3, endedAt: 4 }])], undefined],
    ["none that was stopped", [message([cancelled])], undefined],
  ];
  for (const [name, messages, failed] of cases) {
    await t.step(name, () => {
      const { record } = play((push) => messages.forEach(push));
      assert.equal(record.failed?.name, failed && `[${failed} 1/1] RUN ${failed}`);
    });
  }
});

Deno.test("BuildProgress records the failing step, and the names in their order", () => {
  const { record } = play((push) => {
    push(message([{ id: "load", name: "[internal] load build\n\x1b[1mcontext", ...DONE }]));
    push(message([RUNS], [["v", "one\n".repeat(30)]]));
    push(message([FAILED], [["v", "the error"]]));
    push(message([], [["v", "late\n"]]));
  });
  assert.deepEqual(record.names, ["[internal] load build [1mcontext", "[v 1/1] RUN v"]);
  assert.deepEqual(record.failed, {
    name: "[v 1/1] RUN v",
    error: "exit code: 1",
    lastLines: [...Array(18).fill("one"), "the error", "late"],
  });
});

const numbered = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`).join("");

/** The error of a build that prints a lot stands at its end: it was nowhere. */
Deno.test("of a step that prints too much the beginning and the end are shown, in order", () => {
  const { lines, shown, record } = play((push) => {
    push(message([RUNS]));
    for (let at = 0; at < 25_000; at += 1_000) push(message([], [["v", numbered(at, at + 1_000)]]));
    push(message([], [["v", `the error\n${numbered(25_000, 25_025)}`]]));
    push(message([FAILED]));
  });
  const all = lines("[v 1/1] RUN v");
  assert.equal(all.length, 12_001);
  assert.deepEqual(all.slice(9_999, 10_002), [
    "line 9999",
    "... 13,026 lines are missing here ...",
    "line 23026",
  ]);
  assert.deepEqual(all.slice(-26, -24), ["the error", "line 25000"]);
  assert.deepEqual(shown.slice(-2), ["line 25024", "v failed"]);
  assert.equal(record.failed?.lastLines.length, 20);
});

Deno.test("the end of a step that runs when the build is stopped is shown", () => {
  const { shown } = play((push) => push(message([RUNS], [["v", numbered(0, 12_001)]])));
  assert.deepEqual(shown.slice(-2001, -1999), ["... 1 line is missing here ...", "line 10001"]);
  assert.equal(shown.at(-1), "line 12000");
});

Deno.test("a build has its limit, and the step that fails is shown in spite of it", () => {
  const { lines, shown } = play((push) => {
    for (const id of "abcdeghijklm") {
      push(message([{ id, ...RUNS }], [[id, numbered(0, 15_000)]]));
      push(message([{ id, ...DONE }]));
    }
    push(message([{ id: "f", ...RUNS }], [["f", numbered(0, 15_000)]]));
    push(message([{ id: "f", ...FAILED }]));
  });
  assert.ok(shown.length < 40_000, `${shown.length} lines`);
  assert.deepEqual([lines("[a 1/1] RUN a").length, lines("[b 1/1] RUN b").length], [12_001, 12_001]);
  assert.deepEqual(lines("[e 1/1] RUN e").slice(0, 2), [
    "... 14,980 lines are missing here ...",
    "line 14980",
  ]);
  assert.equal(lines("[e 1/1] RUN e").length, 21);
  assert.deepEqual(lines("[f 1/1] RUN f").slice(0, 2), [
    "... 13,000 lines are missing here ...",
    "line 13000",
  ]);
  assert.equal(shown.at(-2), "line 14999");
});

Deno.test("a line for which no room is left at the beginning is not overtaken", () => {
  const long = "x".repeat(4_000);
  const { lines } = play((push) =>
    push(message([DONE], [["v", `${numbered(0, 9_995)}${long}\n${numbered(9_995, 9_999)}`]]))
  );
  assert.deepEqual(lines("[v 1/1] RUN v").slice(9_994, 9_997), ["line 9994", long, "line 9995"]);
});

Deno.test("long lines count as several", () => {
  const long = `${"x".repeat(4_000)}\n`;
  const { lines } = play((push) => push(message([DONE], [["v", long.repeat(2_000)]])));
  assert.equal(lines("[v 1/1] RUN v").length, 1_201);
  assert.equal(lines("[v 1/1] RUN v")[1_000], "... 800 lines are missing here ...");
});

/** Lines are shown or counted, also when steps print at the same time, and the last ones are there. */
Deno.test("no line is lost without being counted", () => {
  let seed = 7;
  const random = (below: number): number => (seed = (seed * 48_271) % 0x7fffffff) % below;
  const ids = Array.from({ length: 30 }, (_, index) => `s${index}`);
  const printed = new Map<string, number>(ids.map((id) => [id, 0]));
  const { lines } = play((push) => {
    push(message(ids.map((id) => ({ id, ...RUNS }))));
    for (let round = 0; round < 400; round++) {
      const id = ids[random(ids.length)] ?? "";
      const count = random(1_500);
      const from = printed.get(id) ?? 0;
      printed.set(id, from + count);
      push(message(random(40) === 0 ? [{ id, ...DONE }] : [], [[id, numbered(from, from + count)]]));
    }
  });
  let total = 0;
  for (const id of ids) {
    const shown = lines(`[${id} 1/1] RUN ${id}`);
    total += shown.length;
    let next = 0;
    for (const line of shown) {
      const missing = missingLines(line);
      if (missing === undefined) assert.equal(line, `line ${next++}`);
      else next += missing;
    }
    assert.equal(next, printed.get(id), id);
    assert.ok(shown.slice(-20).every((line) => line.startsWith("line ")), id);
  }
  assert.ok(total < 40_000 + ids.length * 2, `${total} lines`);
});

Deno.test("the step that fails is found among any number of steps", () => {
  const { record, lines } = play((push) => {
    push(message([{ id: "late", ...DONE }]));
    push(message([], [["late", "half"]]));
    for (let index = 0; index < 5_000; index++) push(message([{ id: `s${index}`, ...DONE }]));
    push(message([RUNS], [["v", "the error\n"]]));
    push(message([FAILED]));
  });
  assert.equal(record.names.length, 5_002);
  assert.deepEqual(lines("[late 1/1] RUN late"), ["half"]);
  assert.deepEqual(record.failed?.lastLines, ["the error"]);
  assert.deepEqual(lines("[v 1/1] RUN v"), ["the error"]);
});
