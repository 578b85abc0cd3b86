import assert from "node:assert/strict";
import type { Process } from "../../pkg/cli/mod.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import { Fault } from "../../pkg/fault/mod.ts";
import { runService, type ServiceProcess } from "./service.ts";

type Needed = Pick<Process, "clock" | "signal" | "log">;

function call(run: (service: ServiceProcess) => Promise<void>, changes: Partial<Needed> = {}) {
  const lines: string[] = [];
  const process = {
    clock: systemClock(),
    signal: new AbortController().signal,
    log: (line: string) => void lines.push(line),
    ...changes,
  };
  return { lines, ended: runService("test", { config: { logLevel: "info" }, process }, run) };
}

Deno.test("a signal that comes while a service starts is an orderly end", async () => {
  const stop = new AbortController();
  const { ended, lines } = call(({ signal, clock }) => {
    stop.abort(new DOMException("Got SIGINT", "AbortError"));
    return clock.sleep(60_000, signal);
  }, { signal: stop.signal });
  await ended;
  assert.deepEqual(lines, []);
});

/** An exit code of 0 after a failed shutdown would hide that something was lost. */
Deno.test("a failure after the signal is a failure, logged with its causes", async () => {
  const stop = new AbortController();
  const broken = new Fault("internal", "cannot close", { cause: new Error("disk full") });
  const { ended, lines } = call(() => {
    stop.abort(new DOMException("Got SIGINT", "AbortError"));
    return Promise.reject(broken);
  }, { signal: stop.signal });
  await assert.rejects(ended, broken);
  assert.match(
    lines.join(""),
    /"event":"service failed","error":"internal: cannot close <- Error: disk full"/,
  );
});
