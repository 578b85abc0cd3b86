import assert from "node:assert/strict";
import { freePort } from "../../pkg/testkit/ports.ts";
import { MAIN } from "../../pkg/testkit/program.ts";

const DEADLINE_MS = 120_000;

async function isReady(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** Starts the api; its standard error is a pipe without a reader, or a device that is always full. */
async function start(
  stderr: "broken pipe" | "full",
  env: Record<string, string>,
): Promise<Deno.ChildProcess> {
  const api = [Deno.execPath(), "run", "-A", "--no-check", MAIN, "ctrl", "api"];
  const to = stderr === "full" ? " 2>/dev/full" : "";
  const args = ["-c", `exec "$@"${to}`, "sh", ...api];
  const service = new Deno.Command("sh", { args, env, stdin: "null", stdout: "null", stderr: "piped" })
    .spawn();
  await service.stderr.cancel();
  return service;
}

/** Waits until the api serves, makes a call that it logs, stops it, and returns its exit code. */
async function serveOnce(service: Deno.ChildProcess, port: number): Promise<number> {
  let ended = false;
  const status = service.status.finally(() => ended = true);
  try {
    const deadline = performance.now() + DEADLINE_MS;
    while (!await isReady(port)) {
      assert.ok(!ended, "the service ended");
      assert.ok(performance.now() < deadline, "the service did not get ready");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const call = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
    const answer = await fetch(`http://127.0.0.1:${port}/ctrl.v1.CtrlService/Liveness`, call);
    assert.deepEqual([answer.status, (await answer.json()).status], [200, "ok"]);
    assert.ok(await isReady(port));
    service.kill("SIGTERM");
    return (await status).code;
  } finally {
    if (!ended) service.kill("SIGKILL");
    await status;
  }
}

Deno.test("a service keeps running, and stops in order, when its log cannot be written", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "unkey-test-" });
  try {
    for (const stderr of ["broken pipe", "full"] as const) {
      await t.step({
        name: stderr,
        ignore: stderr === "full" && Deno.build.os !== "linux",
        fn: async () => {
          const port = freePort();
          const service = await start(stderr, {
            UNKEY_HTTP_HOST: "127.0.0.1",
            UNKEY_HTTP_PORT: String(port),
            UNKEY_DATABASE_PRIMARY: `sqlite://${folder}/ctrl.db`,
            UNKEY_AUTH_TOKEN: "test-service-token-0123456789",
            UNKEY_VAULT_MASTER_KEYS: btoa("0123456789abcdef0123456789abcdef"),
            UNKEY_BUILD_FILES_DIR: `${folder}/objects`,
            UNKEY_LOG_LEVEL: "debug",
          });
          assert.equal(await serveOnce(service, port), 0);
          const { mode } = await Deno.stat(`${folder}/ctrl.db`);
          assert.equal((mode ?? 0) & 0o077, 0, "what a service makes is for its own user");
        },
      });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** A supervisor that restarts what failed looks at the exit code only. */
Deno.test("a service that fails ends with its exit code when its messages have no reader", async () => {
  const service = await start("broken pipe", { UNKEY_HTTP_PORT: "70000" });
  assert.equal((await service.status).code, 2);
});
