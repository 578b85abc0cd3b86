import assert from "node:assert/strict";
import { Runner } from "./mod.ts";
import { systemClock } from "../clock/mod.ts";
import { silentLogger } from "../logger/mod.ts";

function start(): { runner: Runner; events: string[]; stop: AbortController } {
  const runner = new Runner({ log: silentLogger(), clock: systemClock(), limitMs: 2_000 });
  return { runner, events: [], stop: new AbortController() };
}

function until(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** A query after its pool is closed looks like an outage, so tasks must drain first. */
Deno.test("Runner drains tasks before closing resources, newest first", async () => {
  const { runner, events, stop } = start();
  runner.defer("database", () => void events.push("close database"));
  runner.defer("server", () => void events.push("close server"));
  runner.go("watch", async (signal) => {
    await until(signal);
    await Promise.resolve();
    events.push("task done");
  });
  const done = runner.wait(stop.signal);
  stop.abort();
  await done;
  assert.deepEqual(events, ["task done", "close server", "close database"]);
});

Deno.test("Runner stops everything and rejects with the error when a task fails", async () => {
  const { runner, events, stop } = start();
  runner.defer("server", () => void events.push("close server"));
  runner.go("steady", async (signal) => {
    await until(signal);
    events.push("steady done");
  });
  runner.go("broken", () => Promise.reject(new Error("boom")));
  await assert.rejects(runner.wait(stop.signal), /boom/);
  assert.deepEqual(events, ["steady done", "close server"]);
});

Deno.test("Runner closes the rest when one closer fails, and reports it", async () => {
  const { runner, events, stop } = start();
  runner.defer("first", () => void events.push("close first"));
  runner.defer("second", () => {
    throw new Error("stuck");
  });
  stop.abort();
  await assert.rejects(runner.wait(stop.signal), /stuck/);
  assert.deepEqual(events, ["close first"]);
});
