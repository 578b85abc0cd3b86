import assert from "node:assert/strict";
import { type Context, TerminalError } from "@restatedev/restate-sdk/fetch";
import { Fault, type FaultCode, isFault } from "../fault/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import { runService } from "./mod.ts";

const clock = { now: () => 0, sleep: () => Promise.resolve() };

/** The parts of a Restate context that one step uses: its journal runs every step at once. */
function contextOf(signal: AbortSignal): Context {
  const parts = {
    request: () => ({ target: "test.Service/handler", attemptCompletedSignal: signal }),
    run: (_name: string, action: () => Promise<unknown>) => action(),
  };
  // The SDK's context has some forty members more, of which a step uses none.
  return parts as unknown as Context;
}

/** Runs one step that always throws `error`; returns its tries and the error of the invocation. */
async function failingStep(error: unknown): Promise<{ readonly tries: number; readonly thrown: unknown }> {
  let tries = 0;
  const action = (): Promise<string> => {
    tries++;
    return Promise.reject(error);
  };
  const context = contextOf(new AbortController().signal);
  const ran = runService(
    context,
    { clock, log: silentLogger() },
    (durable) => durable.run("a step", action, { attemptsMax: 4, firstMs: 1, maxMs: 1 }),
  );
  return { thrown: await ran.then(() => undefined, (thrown: unknown) => thrown), tries };
}

Deno.test("a step that ends with a final fault is not tried again", async (t) => {
  const finals: readonly FaultCode[] = [
    "invalid_argument",
    "not_found",
    "failed_precondition",
    "internal",
    "cancelled",
  ];
  for (const code of finals) {
    await t.step(code, async () => {
      const fault = new Fault(code, "for good");
      assert.equal(fault.retryable, false);
      const { tries, thrown } = await failingStep(fault);
      assert.equal(tries, 1);
      assert.ok(thrown instanceof TerminalError);
    });
  }
});

Deno.test("a step that meets a passing fault, or an unknown error, is tried a bounded number of times", async (t) => {
  for (const error of [new Fault("unavailable", "for now"), new Error("unknown")]) {
    await t.step(isFault(error) ? error.code : error.message, async () => {
      const { tries, thrown } = await failingStep(error);
      assert.equal(tries, 4);
      assert.ok(thrown instanceof TerminalError);
    });
  }
});

Deno.test("a step whose attempt has ended throws no final error", async () => {
  const ended = new AbortController();
  ended.abort();
  const context = contextOf(ended.signal);
  const ran = runService(
    context,
    { clock, log: silentLogger() },
    (durable) => durable.run("a step", () => Promise.reject(new Fault("not_found", "too late"))),
  );
  await assert.rejects(ran, (error) => !(error instanceof TerminalError));
});
