import assert from "node:assert/strict";
import { merge } from "./mod.ts";

const { signal: NEVER } = new AbortController();

async function* numbers(from: number, to: number): AsyncGenerator<number> {
  for (let each = from; each < to; each++) yield await Promise.resolve(each);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    signal.addEventListener("abort", () => done());
  });
}

Deno.test("merge() gives all values of all sources, each source's in their order", async () => {
  const all = await Array.fromAsync(merge(NEVER, [() => numbers(0, 50), () => numbers(100, 150)]));
  assert.equal(all.length, 100);
  for (const low of [0, 100]) {
    const own = all.filter((each) => each >= low && each < low + 50);
    assert.deepEqual(own, Array.from({ length: 50 }, (_, index) => low + index));
  }
});

Deno.test("merge() reads a source no further than one value ahead", async () => {
  let read = 0;
  const source = async function* () {
    for (;;) yield await Promise.resolve(++read);
  };
  for await (const value of merge(NEVER, [source])) {
    assert.ok(read <= value + 1);
    if (value === 20) break;
  }
  assert.ok(read <= 21);
});

Deno.test("merge() fails with the first source that fails, and ends the others", async () => {
  let ended = false;
  const waits = async function* (signal: AbortSignal): AsyncGenerator<number> {
    try {
      yield 1;
      await untilAborted(signal);
    } finally {
      ended = true;
    }
  };
  const fails = async function* (): AsyncGenerator<number> {
    yield* numbers(5, 6);
    throw new Error("broken");
  };
  await assert.rejects(Array.fromAsync(merge(NEVER, [waits, fails])), /broken/);
  assert.equal(ended, true);
});

Deno.test("merge() ends its sources with its signal, and with its reader", async () => {
  let open = 0;
  const waits = async function* (signal: AbortSignal): AsyncGenerator<number> {
    open++;
    try {
      yield 1;
      await untilAborted(signal);
    } finally {
      open--;
    }
  };
  const stop = new AbortController();
  for await (const _value of merge(stop.signal, [waits, waits])) stop.abort();
  assert.equal(open, 0);
  for await (const _value of merge(NEVER, [waits, waits])) break;
  assert.equal(open, 0);
});
