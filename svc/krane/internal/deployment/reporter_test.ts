import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { until } from "../../fixtures_test.ts";
import type { Instance } from "../runtime/port.ts";
import { type Report, Reporter, type ReporterOptions } from "./reporter.ts";

function instance(message: string): Instance {
  const numbers = { cpuMillicores: 1, memoryMib: 1, restarts: 0 };
  return { name: "i", address: "", status: "pending", reason: "x", message, lastLogLines: [], ...numbers };
}

function messages(reports: readonly Report[]): unknown[] {
  return reports.map(({ change }) =>
    change?.case === "update" ? change.value.instances?.[0]?.message : change?.case
  );
}

async function reporting(
  send: ReporterOptions["send"],
  test: (reporter: Reporter) => Promise<void>,
  options: Partial<ReporterOptions> = {},
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

const LIMIT_MS = 60_000;
const signal = new AbortController().signal;

Deno.test("the same content is reported once, and again on demand", async () => {
  const sent: Report[] = [];
  await reporting((report) => Promise.resolve(void sent.push(report)), async (reporter) => {
    reporter.submit("a", [instance("one")]);
    await reporter.delivered("a", LIMIT_MS, signal);
    reporter.submit("a", [instance("one")]);
    await reporter.delivered("a", LIMIT_MS, signal);
    assert.equal(sent.length, 1);
    reporter.resend();
    await until("again", () => sent.length === 2);
    assert.deepEqual(messages(sent), ["one", "one"]);
    const generations = sent.map(({ change }) => change?.value?.generation ?? 0n);
    assert.ok((generations[1] ?? 0n) > (generations[0] ?? 0n));
  });
});

/** Whatever is old by the time it can be delivered is not worth delivering. */
Deno.test("one report at a time, the newest content only, and never an older generation after a newer", async () => {
  const sent: Report[] = [];
  const gate = Promise.withResolvers<void>();
  const send = async (report: Report): Promise<void> => {
    sent.push(report);
    await gate.promise;
  };
  await reporting(send, async (reporter) => {
    for (const text of ["one", "two", "three"]) reporter.submit("a", [instance(text)]);
    await until("under way", () => sent.length === 1);
    for (const text of ["four", "five"]) reporter.submit("a", [instance(text)]);
    gate.resolve();
    assert.ok(await reporter.delivered("a", LIMIT_MS, signal));
    assert.deepEqual(messages(sent), ["one", "five"]);
    const generations = sent.map(({ change }) => Number(change?.value?.generation ?? 0n));
    assert.deepEqual(generations, generations.toSorted((a, b) => a - b));
  });
});

Deno.test("a report is repeated until it is taken; one that is refused for good is not", async () => {
  const codes = ["unavailable", "unauthenticated", "invalid_argument"] as const;
  let calls = 0;
  const send = (): Promise<void> => {
    const code = codes[calls++];
    return code === undefined ? Promise.resolve() : Promise.reject(new Fault(code, "x"));
  };
  await reporting(send, async (reporter) => {
    reporter.submit("a", [instance("one")]);
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

Deno.test("generations go on above those of an earlier life, also when the clock was set back", async () => {
  const sent: Report[] = [];
  const floor = 9_999_999_999_999;
  await reporting((report) => Promise.resolve(void sent.push(report)), async (reporter) => {
    reporter.submit("a", []);
    await reporter.delivered("a", LIMIT_MS, signal);
    assert.equal(sent[0]?.change?.value?.generation, BigInt(floor + 1));
  }, { generationFloor: floor });
});
