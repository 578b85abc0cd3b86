import assert from "node:assert/strict";
import type { Process } from "../../pkg/cli/mod.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import { Fault } from "../../pkg/fault/mod.ts";
import { runService, type ServiceProcess } from "./service.ts";
import { unkey } from "./testing.ts";

type Needed = Pick<Process, "clock" | "signal" | "log">;

const OFF = { part: "test", host: "127.0.0.1", from: [] };

function call(run: (service: ServiceProcess) => Promise<void>, changes: Partial<Needed> = {}) {
  const lines: string[] = [];
  const process = {
    clock: systemClock(),
    signal: new AbortController().signal,
    log: (line: string) => void lines.push(line),
    ...changes,
  };
  return {
    lines,
    ended: runService(
      "test",
      { config: { logLevel: "info", logFormat: "json", prometheusPort: 0 }, process, metrics: OFF },
      run,
    ),
  };
}

Deno.test("runService() ends without an error when a signal comes during the start", async () => {
  const stop = new AbortController();
  const { ended, lines } = call(({ signal, clock }) => {
    stop.abort(new DOMException("Got SIGINT", "AbortError"));
    return clock.sleep(60_000, signal);
  }, { signal: stop.signal });
  await ended;
  assert.deepEqual(lines, []);
});

/** An exit code of 0 after a failed shutdown would hide that something was lost. */
Deno.test("runService() fails, and logs the causes, when a shutdown fails", async () => {
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

const SERVICES = [
  {
    args: ["ctrl", "api"],
    missing: ["UNKEY_DATABASE_PRIMARY", "UNKEY_AUTH_TOKEN", "UNKEY_VAULT_MASTER_KEYS"],
  },
  { args: ["ctrl", "worker"], missing: ["UNKEY_DATABASE_PRIMARY"] },
  { args: ["krane"], missing: ["UNKEY_CONTROL_PLANE_URL", "UNKEY_CONTROL_PLANE_BEARER", "UNKEY_REGION"] },
  {
    args: ["sentinel"],
    missing: [
      "UNKEY_CONTROL_PLANE_URL",
      "UNKEY_CONTROL_PLANE_BEARER",
      "UNKEY_REGION",
      "UNKEY_ENVIRONMENT_ID",
    ],
  },
  { args: ["frontline"], missing: ["UNKEY_CONTROL_PLANE_URL", "UNKEY_CONTROL_PLANE_BEARER", "UNKEY_REGION"] },
];

Deno.test("every service names all wrong settings at once, and prints no value", async (t) => {
  for (const { args, missing } of SERVICES) {
    await t.step(args.join(" "), async () => {
      const wrong = { UNKEY_HTTP_PORT: "70000", UNKEY_WORKER_HTTP_PORT: "70000" };
      const { code, stdout, stderr } = await unkey([...args, "--log-level", "loud"], { env: wrong });
      assert.deepEqual([code, stdout], [2, ""], stderr);
      for (const each of missing) assert.match(stderr, new RegExp(`${each}\\)? is required`));
      assert.match(stderr, /--log-level \(UNKEY_LOG_LEVEL\) must be debug, info, warn or error/);
      assert.match(stderr, /--http-port \(UNKEY_(WORKER_)?HTTP_PORT\) must be a port/);
      assert.doesNotMatch(stderr, /70000|loud/);
    });
  }
});
