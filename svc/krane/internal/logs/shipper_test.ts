import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { until } from "../../testing.ts";
import type { OutputLine } from "../runtime/port.ts";
import {
  decodePositions,
  encodePositions,
  type LogBatch,
  LogShipper,
  type ShipperOptions,
} from "./shipper.ts";

function line(number: number, deploymentId = "d_1"): OutputLine {
  return {
    deploymentId,
    instance: "i",
    timeNs: BigInt(number),
    ordinal: 0,
    stream: "stdout",
    text: `line ${number}`,
  };
}

async function shipping(
  send: ShipperOptions["send"],
  test: (shipper: LogShipper) => Promise<void>,
  bounds: ShipperOptions["bounds"] = {},
): Promise<void> {
  const shipper = new LogShipper({
    send,
    clock: systemClock(),
    log: silentLogger(),
    shipped: new Map([["old", 5n]]),
    bounds: { gatherMs: 5, ...bounds },
  });
  const stop = new AbortController();
  const done = shipper.run(stop.signal, 200);
  try {
    await test(shipper);
  } finally {
    stop.abort();
    await done;
  }
}

const texts = (batches: readonly LogBatch[]): unknown[] =>
  batches.flatMap((each) => each.lines?.map((one) => one.text) ?? []);

Deno.test("lines are shipped in order and in bounded batches, and positions follow", async () => {
  const sent: LogBatch[] = [];
  await shipping((batch) => Promise.resolve(void sent.push(batch)), async (shipper) => {
    for (let number = 1; number <= 25; number++) shipper.push(line(number));
    await until("all sent", () => texts(sent).length === 25);
    assert.deepEqual(texts(sent), Array.from({ length: 25 }, (_, index) => `line ${index + 1}`));
    assert.ok(sent.every((each) => (each.lines?.length ?? 0) <= 10));
    await until("positions", () => shipper.resumeFrom("i") === 25n);
    assert.equal(shipper.resumeFrom("old"), 5n);
    assert.equal(shipper.resumeFrom("new"), undefined);
  }, { linesPerBatchMax: 10 });
});

/** 250 ms for each batch would make a flood of 40 MB take minutes. */
Deno.test("lines that fill batches do not wait for more of them", async () => {
  const sent: LogBatch[] = [];
  const sleeps: number[] = [];
  const clock = {
    ...systemClock(),
    sleep: (ms: number, signal?: AbortSignal) => {
      sleeps.push(texts(sent).length);
      return systemClock().sleep(ms, signal);
    },
  };
  const shipper = new LogShipper({
    send: (batch) => Promise.resolve(void sent.push(batch)),
    clock,
    log: silentLogger(),
    shipped: new Map(),
    bounds: { gatherMs: 1, linesPerBatchMax: 10 },
  });
  for (let number = 1; number <= 95; number++) shipper.push(line(number));
  const stop = new AbortController();
  const done = shipper.run(stop.signal, 200);
  await until("all sent", () => texts(sent).length === 95);
  stop.abort();
  await done;
  assert.deepEqual(
    sleeps.filter((count) => count > 0 && count < 90),
    [],
    "nothing was waited for in between",
  );
});

Deno.test("long lines of one deployment leave room for those of others", async () => {
  const sent: LogBatch[] = [];
  const send = (batch: LogBatch): Promise<void> => Promise.resolve(void sent.push(batch));
  const bounds = { charsPerDeploymentMax: 100, charsMax: 150 };
  await shipping(send, async (shipper) => {
    for (let number = 1; number <= 9; number++) shipper.push({ ...line(number), text: "x".repeat(30) });
    shipper.push(line(1, "d_other"));
    await until("the other's", () => texts(sent).includes("line 1"));
    shipper.push(line(10));
    await until("the mark", () => texts(sent).some((text) => /6 lines were dropped/.test(String(text))));
  }, bounds);
});

/** Four noisy apps had all the room while shipping was slow, and a quiet one lost its lines. */
Deno.test("noisy deployments together leave room for the lines of a quiet one", async () => {
  const sent: LogBatch[] = [];
  const send = (batch: LogBatch): Promise<void> => Promise.resolve(void sent.push(batch));
  const bounds = { charsPerDeploymentMax: 100, charsMax: 200, charsReserved: 20 };
  await shipping(send, async (shipper) => {
    for (const noisy of ["d_1", "d_2"]) shipper.push({ ...line(1, noisy), text: "x".repeat(100) });
    for (let number = 1; number <= 9; number++) shipper.push(line(number, "d_quiet"));
    await until("the quiet one's", () => texts(sent).includes("line 2"));
    assert.equal(texts(sent).includes("line 9"), false, "the reserve has a bound");
  }, bounds);
});

Deno.test("while the control plane is away nothing is lost within bounds, the rest is counted and announced", async () => {
  const sent: LogBatch[] = [];
  let away = true;
  const send = (batch: LogBatch): Promise<void> => {
    if (away) return Promise.reject(new Fault("unavailable", "x"));
    sent.push(batch);
    return Promise.resolve();
  };
  await shipping(send, async (shipper) => {
    for (let number = 1; number <= 30; number++) shipper.push(line(number));
    assert.equal(shipper.resumeFrom("i"), undefined);
    away = false;
    await until("announced", () => texts(sent).length >= 21);
    shipper.push(line(31));
    await until("the next", () => texts(sent).includes("line 31"));
    assert.deepEqual(texts(sent).slice(0, 20), Array.from({ length: 20 }, (_, index) => `line ${index + 1}`));
    assert.match(String(texts(sent)[20]), /10 lines were dropped/);
  }, { linesPerDeploymentMax: 20 });
});

Deno.test("a deployment whose lines are refused for good does not hold up another", async () => {
  const sent: LogBatch[] = [];
  const send = (batch: LogBatch): Promise<void> => {
    if (batch.deploymentId === "d_gone") return Promise.reject(new Fault("not_found", "x"));
    sent.push(batch);
    return Promise.resolve();
  };
  await shipping(send, async (shipper) => {
    shipper.push(line(1, "d_gone"));
    shipper.push(line(2));
    await until("sent", () => texts(sent).length === 1);
  });
});

Deno.test("lines that are left when the agent stops are sent once more", async () => {
  const sent: LogBatch[] = [];
  await shipping((batch) => Promise.resolve(void sent.push(batch)), (shipper) => {
    shipper.push(line(1));
    return Promise.resolve();
  }, { gatherMs: 10_000 });
  assert.deepEqual(texts(sent), ["line 1"]);
});

Deno.test("positions survive as text, and a broken file means none", () => {
  const positions = new Map([["i", 1_700_000_000_123_456_789n]]);
  assert.deepEqual(decodePositions(encodePositions(positions)), positions);
  for (const text of ["", "[]", '{"i":"x"}']) assert.deepEqual(decodePositions(text), new Map());
});
