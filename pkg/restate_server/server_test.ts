import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../clock/mod.ts";
import { createLogger, silentLogger } from "../logger/mod.ts";
import { killChild } from "../testkit/commands.ts";
import { findRestateServer } from "./find.ts";
import { processIdentity } from "./process_identity.ts";
import { type RestateServer, type RestateServerOptions, startRestateServer } from "./server.ts";

const FREE = { ingress: 0, admin: 0, node: 0 };

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
          ports: FREE,
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
    const response = await fetch(`${server.ingressUrl}/restate/health`);
    await response.body?.cancel();
    return response.ok;
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
  "a server answers once it is started, listens on loopback only, and is gone once it is stopped",
  async (bed) => {
    const server = await bed.start();
    assert.ok(await healthy(server));
    const admin = await fetch(`${server.adminUrl}/version`);
    assert.match(await admin.text(), /1\.7\.12/);
    await assertLoopbackOnly(server);

    await server.stop();
    await server.ended;
    assert.equal(await healthy(server), false);
    assert.equal(await processIdentity(server.pid), undefined);
  },
);

/** On Linux the kernel's tables say who listens where. */
async function assertLoopbackOnly({ ports }: RestateServer): Promise<void> {
  if (Deno.build.os !== "linux") return;
  const tables = await Deno.readTextFile("/proc/net/tcp") + await Deno.readTextFile("/proc/net/tcp6");
  for (const port of Object.values(ports)) {
    const hex = port.toString(16).toUpperCase().padStart(4, "0");
    const found = tables.split("\n").map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === "0A" && fields[1]?.endsWith(`:${hex}`)).map((fields) => fields[1]);
    assert.deepEqual(found, [`0100007F:${hex}`], `port ${port}`);
  }
}

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

real("a server on the same folder and ports continues with the old data", async (bed) => {
  const first = await bed.start();
  await first.stop();
  const second = await bed.start({ ports: first.ports });
  assert.deepEqual(second.ports, first.ports);
  assert.ok(await healthy(second));
  await until("both starts to be in the log", async () => (await nodeIds(bed)).length > 1);
  assert.deepEqual(await nodeIds(bed), ["N1", "N1"], "the second is the same node");
});

/** The server's name in its log, once for each start. It answers before its log is written. */
async function nodeIds(bed: Bed): Promise<(string | undefined)[]> {
  const log = await Deno.readTextFile(join(bed.directory, "restate.log"));
  return [...log.matchAll(/My Node ID is (N\d+)/g)].map((match) => match[1]);
}

real("a server that dies is started again on the same ports", async (bed) => {
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

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
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

real("a taken port is named", async (bed) => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  await assert.rejects(bed.start({ ports: { ...FREE, admin: port } }), {
    code: "failed_precondition",
    publicMessage: new RegExp(`Port ${port}, .* is taken`),
  });
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
