import assert from "node:assert/strict";
import { join } from "node:path";
import { NOW, type RunResult, temporaryFolder, unkey } from "../shared/testing.ts";

const DEADLINE_MS = 120_000;
const MASTER_KEY = btoa("0123456789abcdef0123456789abcdef");

/** Log lines; anything else on standard error is a failure. */
function logLines(text: string): Record<string, unknown>[] {
  return text.trimEnd().split("\n").map((line) => {
    const parsed: unknown = JSON.parse(line);
    assert.ok(typeof parsed === "object" && parsed !== null, line);
    return { ...parsed };
  });
}

/** Runs a service until it says `event`, then stops it. */
async function runUntil(
  event: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<RunResult> {
  const stop = new AbortController();
  const late = setTimeout(() => stop.abort(new Error(`"${event}" did not come`)), DEADLINE_MS);
  try {
    return await unkey(args, {
      env,
      signal: stop.signal,
      onOutput: (text) => {
        if (text.includes(`"event":"${event}"`)) stop.abort(new DOMException("Got SIGTERM", "AbortError"));
      },
    });
  } finally {
    clearTimeout(late);
  }
}

Deno.test("ctrl api checks rules between settings", async () => {
  const env = {
    UNKEY_DATABASE_PRIMARY: "sqlite::memory:",
    UNKEY_AUTH_TOKEN: "t",
    UNKEY_VAULT_MASTER_KEYS: "x",
  };
  const { code, stderr } = await unkey(["ctrl", "api"], { env });
  assert.equal(code, 2);
  assert.match(stderr, /exactly one of --build-s3-url/);
});

Deno.test("ctrl api logs JSON lines to standard error, and ends in order at a signal", async (t) => {
  await using folder = await temporaryFolder();
  const apiEnv = {
    UNKEY_HTTP_HOST: "127.0.0.1",
    UNKEY_HTTP_PORT: "0",
    UNKEY_DATABASE_PRIMARY: `sqlite://${folder.path}/ctrl.db`,
    UNKEY_AUTH_TOKEN: "test-service-token-0123456789",
    UNKEY_VAULT_MASTER_KEYS: MASTER_KEY,
    UNKEY_BUILD_FILES_DIR: join(folder.path, "objects"),
  };
  await t.step("ctrl api", async () => {
    const { code, stdout, stderr } = await runUntil("ctrl api serves", ["ctrl", "api"], apiEnv);
    assert.deepEqual([code, stdout], [0, ""], stderr);
    const lines = logLines(stderr);
    const serves = lines.find(({ event }) => event === "ctrl api serves");
    assert.equal(serves?.["service"], "ctrl-api");
    assert.equal(serves?.["time"], new Date(NOW).toISOString());
    assert.doesNotMatch(stderr, /test-service-token/);
  });

  await t.step("ctrl api on a port that is taken says which flag to change", async () => {
    await using taken = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
      () => new Response(),
    );
    const env = { ...apiEnv, UNKEY_HTTP_PORT: String(taken.addr.port), UNKEY_LOG_LEVEL: "error" };
    const { code, stderr } = await unkey(["ctrl", "api"], { env });
    assert.equal(code, 1);
    const [line = "", shown = ""] = stderr.trimEnd().split("\n");
    assert.equal(logLines(line)[0]?.["event"], "service failed");
    assert.match(shown, new RegExp(`^error: Port ${taken.addr.port} .*--http-port \\(UNKEY_HTTP_PORT\\)`));
  });

  await t.step("a level leaves out what is less important", async () => {
    const stop = new AbortController();
    stop.abort(new DOMException("Got SIGTERM", "AbortError"));
    const { code, stderr } = await unkey(["ctrl", "api", "--log-level", "error"], {
      env: apiEnv,
      signal: stop.signal,
    });
    assert.deepEqual([code, stderr], [0, ""]);
  });
});
