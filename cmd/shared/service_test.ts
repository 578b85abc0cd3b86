import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NOW, onlyJson, type RunResult, unkey } from "./testing.ts";

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

async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "unkey-test-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
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

Deno.test("a service logs JSON lines to standard error and ends in order when it is told to", async (t) => {
  await using folder = await temporaryFolder();
  const apiEnv = {
    UNKEY_HTTP_HOST: "127.0.0.1",
    UNKEY_HTTP_PORT: "0",
    UNKEY_DATABASE_PRIMARY: `sqlite://${folder.path}/ctrl.db`,
    UNKEY_AUTH_TOKEN: "test-service-token",
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

Deno.test("ctrl migrate tells what it applied, and has nothing to do the second time", async () => {
  await using folder = await temporaryFolder();
  const env = { UNKEY_DATABASE_PRIMARY: `sqlite://${folder.path}/ctrl.db` };
  const first = await unkey(["ctrl", "migrate"], { env });
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /^applied 0001_base\n/);
  assert.match((await unkey(["ctrl", "migrate"], { env })).stdout, /^The database is up to date\.\n$/);
  assert.deepEqual(onlyJson(await unkey(["ctrl", "migrate", "--json"], { env })), { applied: [] });
});

Deno.test("ctrl migrate says what is wrong with a database that it cannot reach", async () => {
  const env = { UNKEY_DATABASE_PRIMARY: "mysql://root:hunter2@127.0.0.1:1/unkey" };
  const { code, stdout, stderr } = await unkey(["ctrl", "migrate"], { env });
  assert.deepEqual([code, stdout], [20, ""]);
  assert.match(stderr, /^error: /);
  assert.doesNotMatch(stderr, /hunter2/);
});
