import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { systemClock } from "../clock/mod.ts";
import { createLogger, silentLogger } from "../logger/mod.ts";
import { killChild } from "../testkit/commands.ts";
import { askAt } from "../unix_http/mod.ts";
import { findRestateServer } from "./find.ts";
import { processIdentity } from "./process_identity.ts";
import { type RestateServer, type RestateServerOptions, startRestateServer } from "./server.ts";

/** The real server; where it cannot be had, its tests are ignored. */
const BINARY = await findRestateServer({
  env: (name) => Deno.env.get(name),
  clock: systemClock(),
  signal: AbortSignal.timeout(300_000),
}).then((found) => found.path, () => undefined);

interface Bed {
  readonly directory: string;
  /** Starts a server that is stopped at the end of the test, whatever happens. */
  start(options?: Partial<RestateServerOptions>): Promise<RestateServer>;
}

async function withBed(test: (bed: Bed) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "unkey-restate-" });
  const servers: RestateServer[] = [];
  try {
    await test({
      directory,
      async start(options = {}) {
        const server = await startRestateServer({
          binary: BINARY ?? "",
          baseDir: join(directory, "data"),
          logFile: join(directory, "restate.log"),
          clock: systemClock(),
          log: silentLogger(),
          signal: new AbortController().signal,
          ...options,
        });
        servers.push(server);
        return server;
      },
    });
  } finally {
    for (const server of servers) await server.stop();
    await Deno.remove(directory, { recursive: true });
  }
}

function real(name: string, test: (bed: Bed) => Promise<void>): void {
  Deno.test({ name, ignore: BINARY === undefined, fn: () => withBed(test) });
}

async function healthy(server: RestateServer): Promise<boolean> {
  try {
    return (await askAt(server.ingressUrl, "/restate/health", {})).ok;
  } catch {
    return false;
  }
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1_800; tries++) {
    if (await condition()) return;
    await systemClock().sleep(100);
  }
  throw new Error(`Waited in vain for ${what}`);
}

real(
  "a server answers once it is started, listens on sockets of its user only, and is gone once it is stopped",
  async (bed) => {
    const server = await bed.start();
    assert.ok(await healthy(server));
    assert.match((await askAt(server.adminUrl, "/version", {})).text, /1\.7\.12/);
    await assertNoPorts(server);
    assert.equal(((await Deno.stat(join(bed.directory, "data"))).mode ?? 0) & 0o077, 0);

    await server.stop();
    await server.ended;
    assert.equal(await healthy(server), false);
    assert.equal(await processIdentity(server.pid), undefined);
  },
);

/** On Linux the kernel says which sockets a process has, and which of them are ports. */
async function assertNoPorts({ pid }: RestateServer): Promise<void> {
  if (Deno.build.os !== "linux") return;
  const links = await Promise.all(
    (await Array.fromAsync(Deno.readDir(`/proc/${pid}/fd`))).map(({ name }) =>
      Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => "")
    ),
  );
  const own = new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]));
  const tables = await Deno.readTextFile("/proc/net/tcp") + await Deno.readTextFile("/proc/net/tcp6");
  const listening = tables.split("\n").map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === "0A" && own.has(fields[9])).map((fields) => fields[1]);
  assert.deepEqual(listening, []);
}

real("a server whose folder has a path too long for a socket is reached all the same", async (bed) => {
  const baseDir = join(bed.directory, "x".repeat(100), "data");
  const server = await bed.start({ baseDir });
  assert.ok(await healthy(server));
  const link = dirname(dirname(server.adminUrl.slice("unix://".length)));
  await server.stop();
  assert.equal(
    await Deno.lstat(link).then(() => true, () => false),
    false,
    "nothing stays outside of the folder",
  );
});

/** Workers remember it: another key would have all of them refuse what they are sent. */
real("a server signs with the key that it names, also after the next start", async (bed) => {
  const first = await bed.start();
  await first.stop();
  const second = await bed.start();
  assert.equal(second.identityKey, first.identityKey);
  const log = await Deno.readTextFile(join(bed.directory, "restate.log"));
  const named = new Set(
    [...log.matchAll(/Loaded request identity key.*"(publickeyv1_\w+)"/g)].map(([, key]) => key),
  );
  assert.deepEqual([...named], [first.identityKey]);
});

real("a server on the same folder continues with the old data", async (bed) => {
  const first = await bed.start();
  await first.stop();
  const second = await bed.start();
  assert.ok(await healthy(second));
  await until("both starts to be in the log", async () => (await nodeIds(bed)).length > 1);
  assert.deepEqual(await nodeIds(bed), ["N1", "N1"], "the second is the same node");
});

/** The server's name in its log, once for each start. It answers before its log is written. */
async function nodeIds(bed: Bed): Promise<(string | undefined)[]> {
  const log = await Deno.readTextFile(join(bed.directory, "restate.log"));
  return [...log.matchAll(/My Node ID is (N\d+)/g)].map((match) => match[1]);
}

real("a server that dies is started again at the same place", async (bed) => {
  const server = await bed.start();
  const first = server.pid;
  Deno.kill(first, "SIGKILL");
  await until("the server to be back", async () => server.pid !== first && await healthy(server));
  await server.stop();
  await server.ended;
});

real("a server that dies again and again is given up, with its last lines", async (bed) => {
  const server = await bed.start();
  const clockFailed = assert.rejects(server.ended, {
    code: "unavailable",
    publicMessage: /Restate's server ended with signal SIGKILL:\n/,
  });
  let last = 0;
  let done = false;
  const killing = async (): Promise<void> => {
    while (!done) {
      if (server.pid !== last && await healthy(server)) {
        last = server.pid;
        Deno.kill(last, "SIGKILL");
      }
      await systemClock().sleep(20);
    }
  };
  const killer = killing();
  await clockFailed;
  done = true;
  await killer;
});

real("a killed process's server is ended before another starts on its folder", async (bed) => {
  const script = new URL("testing_parent.ts", import.meta.url).pathname;
  const parent = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", script, BINARY ?? "", bed.directory],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const pid = Number(await firstLine(parent.stdout));
  const identity = await processIdentity(pid);
  assert.ok(identity);
  await killChild(parent);
  assert.equal(await processIdentity(pid), identity, "the server outlives its parent");

  const warnings: string[] = [];
  const log = createLogger({ service: "test", level: "warn", write: (line) => warnings.push(line) });
  const server = await bed.start({ log });
  assert.ok(await healthy(server));
  assert.equal(await processIdentity(pid), undefined);
  assert.match(warnings.join(), new RegExp(`restate server of a killed process ended.*${pid}`));
});

async function firstLine(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes("\n")) break;
  }
  return text.split("\n")[0] ?? "";
}

/** Numbers of processes are used again: a stranger must never be ended. */
real("a process that only has the old number is left alone", async (bed) => {
  const stranger = new Deno.Command("sleep", { args: ["60"] }).spawn();
  try {
    await Deno.mkdir(join(bed.directory, "data"));
    const text = JSON.stringify({ pid: stranger.pid, identity: "another boot 12345" });
    await Deno.writeTextFile(join(bed.directory, "data", "server.pid"), text);
    await bed.start();
    assert.notEqual(await processIdentity(stranger.pid), undefined);
  } finally {
    await killChild(stranger);
  }
});

Deno.test("a start that is given up leaves no server behind", () =>
  withBed(async (bed) => {
    const binary = join(bed.directory, "never-ready");
    await Deno.writeTextFile(binary, "#!/bin/sh\nexec sleep 600\n");
    await Deno.chmod(binary, 0o755);
    const stop = new AbortController();
    const starting = bed.start({ binary, signal: stop.signal });
    let pid = 0;
    await until("the process to be spawned", async () => {
      const text = await Deno.readTextFile(join(bed.directory, "data", "server.pid")).catch(() => "");
      pid = text === "" ? 0 : JSON.parse(text).pid;
      return pid !== 0;
    });
    stop.abort(new Error("given up"));
    await assert.rejects(starting, /given up/);
    assert.equal(await processIdentity(pid), undefined);
  }));

Deno.test("a program that ends at once is reported with its output", () =>
  withBed(async (bed) => {
    const binary = join(bed.directory, "broken");
    await Deno.writeTextFile(binary, "#!/bin/sh\necho cannot open the database\nexit 3\n");
    await Deno.chmod(binary, 0o755);
    await Deno.writeTextFile(join(bed.directory, "restate.log"), "of an earlier run\n");
    await assert.rejects(bed.start({ binary }), {
      code: "unavailable",
      publicMessage: "Restate's server ended with exit code 3:\ncannot open the database",
    });
  }));

Deno.test("a binary that cannot be run is reported", () =>
  withBed(async (bed) => {
    await assert.rejects(bed.start({ binary: join(bed.directory, "missing") }), {
      code: "failed_precondition",
      publicMessage: /Cannot run Restate's server .*missing/,
    });
  }));
