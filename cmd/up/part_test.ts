import assert from "node:assert/strict";
import { systemClock } from "../../pkg/clock/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { Part, type RunPart } from "./part.ts";

const DEPS = { clock: systemClock(), log: silentLogger() };

function start(run: RunPart, signal = new AbortController().signal): Promise<Part> {
  return Part.start("the api", DEPS, signal, run);
}

function until(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

Deno.test("a part runs from its readiness until it is stopped, and its end is awaited", async () => {
  const seen: string[] = [];
  const part = await start(async (signal, ready) => {
    seen.push("starting");
    ready();
    await until(signal);
    await Promise.resolve();
    seen.push("drained");
  });
  assert.deepEqual(seen, ["starting"]);
  await part.stop();
  assert.deepEqual(seen, ["starting", "drained"]);
});

Deno.test("a part that fails before it is ready fails the start with its own text", async () => {
  const failed = publicFault("failed_precondition", "Port 7091 is taken.");
  await assert.rejects(start(() => Promise.reject(failed)), failed);
});

/** A platform of which half is dead must not look alive. */
Deno.test("a part that ends later is noticed, whether it failed or just returned", async () => {
  const broken = Promise.withResolvers<void>();
  const first = await start((_signal, ready) => {
    ready();
    return broken.promise;
  });
  broken.reject(new Error("lost the database"));
  await assert.rejects(first.failed, /lost the database/);

  const second = await start((_signal, ready) => {
    ready();
    return Promise.resolve();
  });
  await assert.rejects(second.failed, /the api ended by itself/);
});

Deno.test("a start that is given up stops the part", async () => {
  const stop = new AbortController();
  let stopped = false;
  const starting = start(async (signal) => {
    await until(signal);
    stopped = true;
  }, stop.signal);
  stop.abort(new Error("Ctrl-C"));
  await assert.rejects(starting, /Ctrl-C/);
  assert.ok(stopped);
});
