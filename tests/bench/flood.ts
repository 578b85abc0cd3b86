/**
 * The edge under 10,000 idle and 1,000 hostile connections, and when they have gone: requests per second and failures of
 * a well-behaved client. `deno task bench flood`
 */
import type { ChildProcess } from "node:child_process";
import { connect, type Socket } from "node:net";
import { applyEndpoints, applyRoute, Feed, snapshotEnd } from "../integration/frontline_feed.ts";
import { BOUNDS } from "./bounds.ts";
import { startDeno } from "./edge.ts";
import { load, type LoadResult } from "./load.ts";
import { residentMib } from "./memory.ts";
import type { Row } from "./row.ts";

const HOST = "app.localhost";
const IDLE = 10_000;
const HOSTILE = 1_000;
/** Connections of one address, so that no limit of one client is met. */
const PER_ADDRESS = 200;
const AT_ONCE = 250;
const ROUNDS = 3;
const GET = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
const HOSTILE_BEGINS = [
  "\r\n\r\n",
  "GET / HTTP/1.1\r\nX: ",
  "PRI * HTTP/2.0\r\n\r\n",
  `POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 9\r\n\r\n`,
];

/** Measures the edge under a flood. */
export async function benchFlood(): Promise<Row[]> {
  const children: ChildProcess[] = [];
  const sockets: Socket[] = [];
  await using feed = await Feed.start();
  try {
    const here = (file: string): string => new URL(file, import.meta.url).pathname;
    const app = await startDeno(children, "the app alone", [here("./edge_backend.ts")]);
    const starting = startDeno(children, "edge", [here("./edge_process.ts"), feed.url]);
    const stream = await feed.stream();
    stream.send(1, applyEndpoints("d_1", app.port));
    stream.send(2, applyRoute("ir_1", HOST, "d_1"));
    stream.send(2, snapshotEnd(2));
    const beat = setInterval(() => stream.send(2, { case: "heartbeat", value: {} }), 1_000);
    const { port, pid } = await starting;
    const quiet = await median(port);
    await open(sockets, { port, count: IDLE, net: 1, say: () => GET });
    const last = HOSTILE_BEGINS.length;
    await open(sockets, { port, count: HOSTILE, net: 2, say: (index) => HOSTILE_BEGINS[index % last] ?? "" });
    const memoryMib = await residentMib(pid);
    const flooded = await median(port);
    for (const each of sockets) each.destroy();
    const after = await median(port);
    clearInterval(beat);
    return [
      row("with 10,000 idle and 1,000 hostile connections", flooded, quiet, `, ${Math.round(memoryMib)} MiB`),
      row("when they have gone", after, quiet, ""),
    ];
  } finally {
    for (const each of sockets) each.destroy();
    for (const child of children) child.kill("SIGKILL");
  }
}

function row(when: string, now: LoadResult, quiet: LoadResult, more: string): Row {
  const perSecond = (each: LoadResult): string => `${Math.round(each.perSecond)}/s`;
  return {
    measure: `edge ${when}`,
    bound: BOUNDS.floodRate,
    measured: `${now.failed} failed, ${perSecond(now)} (before ${perSecond(quiet)})${more}`,
    ok: now.failed === 0 && now.perSecond >= BOUNDS.floodRate.limit * quiet.perSecond,
  };
}

/** The median of some loads; failures are added up. */
async function median(port: number): Promise<LoadResult> {
  const runs: LoadResult[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const url = `http://127.0.0.1:${port}/`;
    runs.push(
      await load({ url, method: "GET", headers: { host: HOST }, connections: 16, durationMs: 2_000 }),
    );
  }
  const middle = runs.toSorted((one, other) => one.perSecond - other.perSecond).at(ROUNDS / 2);
  if (middle === undefined) throw new Error("Nothing was measured");
  return { ...middle, failed: runs.reduce((sum, each) => sum + each.failed, 0) };
}

interface Flood {
  readonly port: number;
  readonly count: number;
  /** The second number of the addresses that the connections come from. */
  readonly net: number;
  readonly say: (index: number) => string;
}

/** Opens connections from many addresses of this machine. Those that are refused are a part of the flood. */
async function open(sockets: Socket[], { port, count, net, say }: Flood): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE) {
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, offset) => {
        const index = from + offset;
        const localAddress = `127.${net}.0.${1 + Math.floor(index / PER_ADDRESS)}`;
        const socket = connect({ host: "127.0.0.1", port, localAddress });
        sockets.push(socket);
        const { promise, resolve } = Promise.withResolvers<void>();
        socket.once("connect", () => socket.write(say(index), () => resolve()));
        socket.on("error", () => resolve());
        socket.on("data", () => undefined);
        return promise;
      }),
    );
  }
}
