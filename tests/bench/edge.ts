/**
 * The edge beside Caddy, and the app alone, in one run: small responses over 32 connections, and bodies of 1 GiB both
 * ways with the memory they take. `deno run -A tests/bench/edge.ts`
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { V8_FLAGS } from "../../dev/v8_flags.ts";
import { applyEndpoints, applyRoute, Feed, snapshotEnd } from "../integration/frontline_feed.ts";
import { answersOk, eventually, freePort } from "../testbed/wait.ts";
import { BOUNDS } from "./bounds.ts";
import { LARGE_BYTES } from "./edge_backend.ts";
import { load } from "./load.ts";
import { residentMib } from "./memory.ts";
import { quantile, report, type Row } from "./row.ts";

/** The host name of the app. */
export const HOST = "app.localhost";
const CONNECTIONS = 32;
const SECONDS = 4;
const ROUNDS = 3;
const SAMPLE_MS = 50;

/** A server on a port of this machine. */
export interface Target {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
}

interface Rate {
  readonly perSecond: number;
  readonly p99Ms: number;
}

/** Measures the edge beside Caddy and the app alone. */
export async function benchEdge(): Promise<Row[]> {
  const directory = await Deno.makeTempDir({ prefix: "unkey-bench-edge-" });
  const children: ChildProcess[] = [];
  await using feed = await Feed.start();
  try {
    const here = (file: string): string => new URL(file, import.meta.url).pathname;
    const app = await startDeno(children, "the app alone", [here("./edge_backend.ts")]);
    const edge = await startEdge(children, feed, app);
    const caddy = await startCaddy(children, directory, app);
    const rates = await compare(caddy === undefined ? [app, edge] : [app, edge, caddy]);
    return [
      ...rateRows(rates, edge, caddy, app),
      await largeRow("down", edge, caddy, download),
      await largeRow("up", edge, caddy, upload),
    ];
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await Deno.remove(directory, { recursive: true });
  }
}

function rateRows(
  rates: ReadonlyMap<Target, Rate>,
  edge: Target,
  caddy: Target | undefined,
  app: Target,
): Row[] {
  const [own, other, direct] = [rates.get(edge), caddy && rates.get(caddy), rates.get(app)];
  if (own === undefined || direct === undefined) throw new Error("The edge was not measured");
  const beside = other === undefined
    ? "Caddy is not installed (apt-get install caddy)"
    : `Caddy ${text(other)}; the app alone ${text(direct)}`;
  return [{
    measure: `edge, small responses, ${CONNECTIONS} connections`,
    bound: BOUNDS.edgeRate,
    measured: `${text(own)}; ${beside}`,
    ok: other === undefined ? undefined : own.perSecond >= BOUNDS.edgeRate.limit * other.perSecond,
  }];
}

function text({ perSecond, p99Ms }: Rate): string {
  return `${Math.round(perSecond)}/s (p99 ${p99Ms.toFixed(1)} ms)`;
}

/** Takes turns, so that other work of the machine meets all alike, and returns the medians. */
async function compare(targets: readonly Target[]): Promise<ReadonlyMap<Target, Rate>> {
  const runs = new Map<Target, Rate[]>(targets.map((each) => [each, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [target, rates] of runs) rates.push(await rate(target));
  }
  return new Map([...runs].map(([target, rates]) => [target, {
    perSecond: quantile(rates.map((each) => each.perSecond), 0.5),
    p99Ms: quantile(rates.map((each) => each.p99Ms), 0.5),
  }]));
}

async function rate({ port }: Target): Promise<Rate> {
  const url = `http://127.0.0.1:${port}/`;
  if (!installed("wrk")) {
    const headers = { host: HOST };
    return await load({ url, method: "GET", headers, connections: CONNECTIONS, durationMs: SECONDS * 1_000 });
  }
  const { stdout } = await new Deno.Command("wrk", {
    args: ["-t1", `-c${CONNECTIONS}`, `-d${SECONDS}s`, "--latency", "-H", `Host: ${HOST}`, url],
  }).output();
  const report = new TextDecoder().decode(stdout);
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(report)?.[1]);
  const [, value, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(report) ?? [];
  if (/Non-2xx|Socket errors/.test(report)) throw new Error(`Requests failed:\n${report}`);
  return { perSecond, p99Ms: Number(value) * (unit === "us" ? 0.001 : unit === "s" ? 1_000 : 1) };
}

type Transfer = (port: number) => Promise<void>;

async function largeRow(
  way: string,
  edge: Target,
  caddy: Target | undefined,
  transfer: Transfer,
): Promise<Row> {
  const beforeMib = await residentMib(edge.pid);
  const own = await transferred(edge, transfer);
  const other = caddy === undefined ? undefined : await transferred(caddy, transfer);
  const beside = other === undefined
    ? ""
    : `; Caddy ${other.seconds.toFixed(1)} s, ${other.peakMib.toFixed(0)} MiB`;
  return {
    measure: `edge, 1 GiB ${way}`,
    bound: BOUNDS.edgeGrowthMib,
    measured: `${own.seconds.toFixed(1)} s, ${beforeMib.toFixed(0)} -> at most ${
      own.peakMib.toFixed(0)
    } MiB${beside}`,
    ok: own.peakMib - beforeMib < BOUNDS.edgeGrowthMib.limit,
  };
}

async function transferred(
  { port, pid }: Target,
  transfer: Transfer,
): Promise<{ seconds: number; peakMib: number }> {
  let peakMib = await residentMib(pid);
  const sampler = setInterval(() => {
    residentMib(pid).then((mib) => peakMib = Math.max(peakMib, mib), () => undefined);
  }, SAMPLE_MS);
  const begun = performance.now();
  try {
    await transfer(port);
  } finally {
    clearInterval(sampler);
  }
  return { seconds: (performance.now() - begun) / 1_000, peakMib };
}

async function download(port: number): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(
    new TextEncoder().encode(`GET /down HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`),
  );
  const buffer = new Uint8Array(256 * 1024);
  let bytes = 0;
  for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) bytes += count;
  if (bytes < LARGE_BYTES) throw new Error(`Only ${bytes} bytes came`);
}

async function upload(port: number): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const writer = conn.writable.getWriter();
  const head =
    `POST /up HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${LARGE_BYTES}\r\nConnection: close\r\n\r\n`;
  await writer.write(new TextEncoder().encode(head));
  const chunk = new Uint8Array(256 * 1024);
  for (let left = LARGE_BYTES; left > 0; left -= chunk.length) await writer.write(chunk);
  const answer = await new Response(conn.readable).text();
  if (!answer.includes(String(LARGE_BYTES))) {
    throw new Error(`The app did not get it all: ${answer.slice(0, 300)}`);
  }
}

/** Starts an edge with one route, to `app`. */
export async function startEdge(
  children: ChildProcess[],
  feed: Feed,
  app: Target,
  { name = "edge", options = [] }: { readonly name?: string; readonly options?: readonly string[] } = {},
): Promise<Target> {
  const file = new URL("./edge_process.ts", import.meta.url).pathname;
  const starting = startDeno(children, name, [file, feed.url, ...options]);
  const stream = await feed.stream();
  stream.send(1, applyEndpoints("d_1", app.port));
  stream.send(2, applyRoute("ir_1", HOST, "d_1"));
  stream.send(2, snapshotEnd(2));
  const beat = setInterval(() => stream.send(2, { case: "heartbeat", value: {} }), 1_000);
  const target = await starting;
  children[children.length - 1]?.once("exit", () => clearInterval(beat));
  return target;
}

/** Starts a script that prints its port when it is ready. */
export async function startDeno(
  children: ChildProcess[],
  name: string,
  args: readonly string[],
): Promise<Target> {
  const child = spawn(Deno.execPath(), ["run", "-A", "--quiet", `--v8-flags=${V8_FLAGS}`, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.once("data", (line) => resolve(Number(String(line).trim())));
    child.once("exit", () => reject(new Error(`${name} ended at start`)));
  });
  return { name, port, pid: child.pid ?? 0 };
}

async function startCaddy(
  children: ChildProcess[],
  directory: string,
  app: Target,
): Promise<Target | undefined> {
  if (!installed("caddy")) return undefined;
  const port = freePort();
  const file = `${directory}/Caddyfile`;
  const site =
    `http://${HOST}:${port}, http://127.0.0.1:${port} {\n  bind 127.0.0.1\n  reverse_proxy 127.0.0.1:${app.port}\n}\n`;
  await Deno.writeTextFile(
    file,
    `{\n  admin off\n  auto_https off\n  log {\n    level ERROR\n  }\n}\n${site}`,
  );
  const child = spawn("caddy", ["run", "--config", file, "--adapter", "caddyfile"], {
    stdio: "ignore",
    env: { ...Deno.env.toObject(), HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory },
  });
  children.push(child);
  await eventually("Caddy to answer", () => answersOk(`http://127.0.0.1:${port}/`));
  return { name: "Caddy", port, pid: child.pid ?? 0 };
}

/** True if a program is on the path. */
export function installed(program: string): boolean {
  return spawnSync("which", [program]).status === 0;
}

if (import.meta.main) report(await benchEdge());
