import assert from "node:assert/strict";
import { createServer } from "node:net";
import { silentLogger } from "../logger/mod.ts";
import { eventually } from "../testkit/eventually.ts";
import { TcpListener } from "./mod.ts";

const DESCRIPTORS = 160;
const FLOOD = 300;

interface Child extends AsyncDisposable {
  readonly port: number;
  readonly process: Deno.ChildProcess;
  readonly log: () => string;
}

/** Starts `testing_port.ts` with few descriptors. */
async function limitedProcess(...args: readonly string[]): Promise<Child> {
  const script = new URL("testing_port.ts", import.meta.url).pathname;
  const run = `ulimit -n ${DESCRIPTORS}; exec "$0" run -A --no-check "$@"`;
  const process = new Deno.Command("sh", {
    args: ["-c", run, Deno.execPath(), script, ...args],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let log = "";
  const read = (async () => {
    for await (const part of process.stderr.pipeThrough(new TextDecoderStream())) log += part;
  })();
  const out = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const port = Number((await out.read()).value);
  return {
    port,
    process,
    log: () => log,
    [Symbol.asyncDispose]: async () => {
      try {
        process.kill("SIGKILL");
      } catch {
        // It has ended by itself.
      }
      await process.status;
      await Promise.allSettled([out.cancel(), read]);
    },
  };
}

async function echoes(port: number): Promise<boolean> {
  try {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await conn.write(new Uint8Array([7]));
    const late = setTimeout(() => conn.close(), 500);
    const count = await conn.read(new Uint8Array(1)).catch(() => null);
    clearTimeout(late);
    return count === 1;
  } catch {
    return false;
  }
}

/** The runtime's own listener never accepted again, without an error or a line in the log. */
Deno.test("a listener accepts again after the process had no descriptors left", async () => {
  await using child = await limitedProcess();
  assert.equal(await echoes(child.port), true);
  const flood = await Promise.all(
    Array.from({ length: FLOOD }, () => Deno.connect({ hostname: "127.0.0.1", port: child.port })),
  );
  await eventually("the log to say so", () => /descriptors ran out/.test(child.log()));
  for (const each of flood) each.close();
  await eventually("an answer", () => echoes(child.port));
  await eventually("the log to say so", () => /descriptors are free again/.test(child.log()));
  assert.match(child.log(), /opened again/);
});

/** An orchestrator sees a process that runs; only its end brings a new one. */
Deno.test("a process whose port is dead ends with a line in the log and an exit code", async () => {
  await using child = await limitedProcess("leak");
  const { code } = await child.process.status;
  assert.notEqual(code, 0);
  await eventually("the line", () => /a port is dead: the process ends/.test(child.log()));
});

Deno.test("a listener that is closed lets its connections end, and frees its port", async () => {
  const sockets: string[] = [];
  const listener = await TcpListener.open({
    host: "127.0.0.1",
    port: 0,
    log: silentLogger(),
    times: { probeEveryMs: 1 },
    accepted: (socket) => {
      sockets.push(socket.remoteAddress ?? "");
      socket.on("data", (bytes) => socket.end(bytes));
    },
  });
  const stop = new AbortController();
  const running = listener.run(stop.signal);
  assert.equal(await echoes(listener.port), true);
  stop.abort();
  await running;
  await listener.close();
  // Its own probes are no connections.
  assert.deepEqual(sockets, ["127.0.0.1"]);
  const next = createServer();
  await new Promise<void>((resolve) => next.listen(listener.port, "127.0.0.1", () => resolve()));
  await new Promise((resolve) => next.close(resolve));
});

Deno.test("a listener says why a port cannot be taken", async () => {
  const options = { host: "127.0.0.1", log: silentLogger(), accepted: () => undefined };
  const first = await TcpListener.open({ ...options, port: 0 });
  try {
    await assert.rejects(TcpListener.open({ ...options, port: first.port }), { code: "EADDRINUSE" });
  } finally {
    await first.close();
  }
});
