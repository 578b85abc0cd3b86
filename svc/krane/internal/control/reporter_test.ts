import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../../pkg/testkit/manual_clock.ts";
import { until } from "../../testing.ts";
import { type Report, Reporter, type ReporterOptions } from "./reporter.ts";

type Sent = Report<string>[];

function contents(sent: Sent): unknown[] {
  return sent.map(({ content }) => content);
}

async function reporting(
  send: ReporterOptions<string>["send"],
  test: (reporter: Reporter<string>) => Promise<void>,
  options: Partial<ReporterOptions<string>> = {},
): Promise<void> {
  const reporter = new Reporter({
    send,
    clock: systemClock(),
    log: silentLogger(),
    generationFloor: 0,
    ...options,
  });
  try {
    await test(reporter);
  } finally {
    await reporter.close();
  }
}

const LIMIT_MS = 180_000;
const signal = new AbortController().signal;

Deno.test("the same content is reported once, and again on demand", async () => {
  const sent: Sent = [];
  await reporting((report) => Promise.resolve(void sent.push(report)), async (reporter) => {
    reporter.submit("a", "one");
    await reporter.delivered("a", LIMIT_MS, signal);
    reporter.submit("a", "one");
    await reporter.delivered("a", LIMIT_MS, signal);
    assert.equal(sent.length, 1);
    reporter.resend();
    await until("again", () => sent.length === 2);
    assert.deepEqual(contents(sent), ["one", "one"]);
    const generations = sent.map((each) => each.generation);
    assert.ok((generations[1] ?? 0) > (generations[0] ?? 0));
  });
});

Deno.test("a first report that is debounced keeps its time when all others are sent again", async () => {
  const [sent, clock]: [Sent, ManualClock] = [[], new ManualClock()];
  const send = (report: Report<string>): Promise<void> => Promise.resolve(void sent.push(report));
  const mustSendNow = (content: string): boolean => content !== "starting";
  await reporting(send, async (reporter) => {
    reporter.submit("known", "running");
    await clock.advance(1);
    reporter.submit("a", "starting");
    reporter.resend();
    await clock.advance(500);
    assert.deepEqual(contents(sent), ["running", "running"]);
    reporter.submit("a", "running");
    await clock.advance(1);
    assert.deepEqual(contents(sent), ["running", "running", "running"]);
  }, { clock, mustSendNow });
});

Deno.test("Reporter sends one report at a time, of the newest content, in the order of generations", async () => {
  const sent: Sent = [];
  const gate = Promise.withResolvers<void>();
  const send = async (report: Report<string>): Promise<void> => {
    sent.push(report);
    await gate.promise;
  };
  await reporting(send, async (reporter) => {
    for (const text of ["one", "two", "three"]) reporter.submit("a", text);
    await until("under way", () => sent.length === 1);
    for (const text of ["four", "five"]) reporter.submit("a", text);
    gate.resolve();
    assert.ok(await reporter.delivered("a", LIMIT_MS, signal));
    assert.deepEqual(contents(sent), ["one", "five"]);
    const generations = sent.map((each) => each.generation);
    assert.deepEqual(generations, generations.toSorted((a, b) => a - b));
  });
});

/** Fifty deployments that start together would report each step, and take the processor from one another. */
Deno.test("a minor change is debounced, and sent after the delay when no other follows", async () => {
  const sent: Sent = [];
  const mustSendNow = (content: string, before: string | undefined): boolean =>
    content.startsWith("ran") !== (before?.startsWith("ran") ?? false);
  await reporting((report) => Promise.resolve(void sent.push(report)), async (reporter) => {
    for (const text of ["created", "starting", "ran"]) reporter.submit("a", text);
    assert.ok(await reporter.delivered("a", LIMIT_MS, signal));
    assert.deepEqual(contents(sent), ["ran"]);
    reporter.submit("a", "failed");
    for (const text of ["starting", "still starting"]) reporter.submit("a", text);
    assert.ok(await reporter.delivered("a", LIMIT_MS, signal));
    assert.deepEqual(contents(sent).slice(1), ["failed", "still starting"]);
    for (const text of ["starting on", undefined]) reporter.submit("a", text);
    assert.ok(await reporter.delivered("a", LIMIT_MS, signal));
    assert.deepEqual(contents(sent).slice(3), [undefined]);
  }, { mustSendNow });
});

Deno.test("minor changes are debounced for longer while many reports are under way", async () => {
  const sent: Sent = [];
  const clock = new ManualClock();
  const send = (report: Report<string>): Promise<void> => Promise.resolve(void sent.push(report));
  const mustSendNow = (content: string): boolean => content === "ran";
  const names = Array.from({ length: 64 }, (_, n) => `a${n}`);
  await reporting(send, async (reporter) => {
    reporter.submit("alone", "created");
    await clock.advance(1_000);
    assert.deepEqual(sent.map(({ name }) => name), ["alone"]);
    for (const name of names) reporter.submit(name, "created");
    await clock.advance(3_500);
    const early = sent.map(({ name }) => name);
    for (const name of names) reporter.submit(name, "starting");
    reporter.submit("a0", "ran");
    await clock.advance(1_500);
    assert.deepEqual([early.includes("a0"), early.includes("a63")], [true, false]);
    assert.deepEqual(contents(sent.filter(({ name }) => name === "a63")), ["starting"]);
    assert.equal(sent.findLast(({ name }) => name === "a0")?.content, "ran");
  }, { clock, mustSendNow });
});

/** A slow connection must not make waiting reports out of date. */
Deno.test("a report that waits for its turn is sent with the newest content", async () => {
  const sent: Sent = [];
  const gate = Promise.withResolvers<void>();
  const send = async (report: Report<string>): Promise<void> => {
    sent.push(report);
    await gate.promise;
  };
  await reporting(send, async (reporter) => {
    const others = Array.from({ length: 16 }, (_, n) => `other-${n}`);
    for (const name of others) reporter.submit(name, "one");
    await until("all slots to be taken", () => sent.length === others.length);
    reporter.submit("a", "one");
    await new Promise((resolve) => setTimeout(resolve));
    reporter.submit("a", "two");
    gate.resolve();
    assert.ok(await reporter.delivered("a", LIMIT_MS, signal));
    assert.deepEqual(contents(sent.filter(({ name }) => name === "a")), ["two"]);
  });
});

Deno.test("a report is repeated until it is taken, unless the control plane refuses it for good", async () => {
  const codes = ["unavailable", "unauthenticated", "invalid_argument"] as const;
  let calls = 0;
  const send = (): Promise<void> => {
    const code = codes[calls++];
    return code === undefined ? Promise.resolve() : Promise.reject(new Fault(code, "x"));
  };
  await reporting(send, async (reporter) => {
    reporter.submit("a", "one");
    assert.ok(await reporter.delivered("a", LIMIT_MS, signal));
    assert.equal(calls, 3);
  });
});

Deno.test("waiting for a delivery has a limit", async () => {
  await reporting(() => Promise.reject(new Fault("unavailable", "x")), async (reporter) => {
    reporter.submit("a", undefined);
    assert.equal(await reporter.delivered("a", 50, signal), false);
  });
});

Deno.test("generations continue above those of an earlier process, also when the clock was set back", async () => {
  const sent: Sent = [];
  const floor = 9_999_999_999_999;
  await reporting((report) => Promise.resolve(void sent.push(report)), async (reporter) => {
    reporter.submit("a", "one");
    await reporter.delivered("a", LIMIT_MS, signal);
    assert.equal(sent[0]?.generation, floor + 1);
  }, { generationFloor: floor });
});

/** It takes over on another machine, whose clock is behind. Its reports would be left out until that clock has caught up. */
Deno.test("an agent is heard at once after an agent whose clock was five minutes ahead", async () => {
  const clock = new ManualClock();
  let taken = { generation: clock.now() + 5 * 60_000, content: "of the agent before" };
  const send = ({ generation, content = "" }: Report<string>): Promise<number | void> => {
    if (generation <= taken.generation) return Promise.resolve(taken.generation);
    taken = { generation, content };
    return Promise.resolve();
  };
  await reporting(send, async (reporter) => {
    reporter.submit("a", "one");
    await until("the first report to be taken", () => taken.content === "one");
    reporter.submit("a", "two");
    await until("the next one to be taken", () => taken.content === "two");
  }, { clock });
});

Deno.test("a report that this agent's own newer one has overtaken is not repeated", async () => {
  const sent: Sent = [];
  const send = (report: Report<string>): Promise<number | void> => {
    sent.push(report);
    return Promise.resolve(report.generation);
  };
  await reporting(send, async (reporter) => {
    reporter.submit("a", "one");
    assert.ok(await reporter.delivered("a", LIMIT_MS, signal));
    assert.deepEqual(contents(sent), ["one"]);
  });
});
