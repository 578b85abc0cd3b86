/**
 * HTTPS at the edge beside Caddy, in one run: requests per second over HTTP/1.1 and HTTP/2, full and resumed handshakes
 * per second, and the edge's memory per idle connection. Needs `h2load` (Debian: nghttp2-client), and Python for resumed
 * handshakes. `deno run -A tests/bench/tls.ts`
 */
import { type ChildProcess, spawn } from "node:child_process";
import { connect, type TLSSocket } from "node:tls";
import { makeCertificate } from "../../pkg/testkit/certificate.ts";
import {
  applyCertificate,
  applyEndpoints,
  applyRoute,
  Feed,
  snapshotEnd,
} from "../integration/frontline_feed.ts";
import { eventually, freePort } from "../testbed/wait.ts";
import { type Bound, BOUNDS } from "./bounds.ts";
import { installed, startDeno, type Target } from "./edge.ts";
import { residentMib } from "./memory.ts";
import { quantile, report, type Row } from "./row.ts";

const HOST = "app.localhost";
const ROUNDS = 3;
const REQUESTS = 12_000;
const HANDSHAKES = 600;
const IDLE = 1_000;
const RESUMED_SECONDS = 3;
/** Below this part of resumed handshakes the row would be about full ones. */
const RESUMED_MIN = 0.95;

type Load = "HTTP/1.1" | "HTTP/2" | "handshakes";
type Version = "TLSv1.2" | "TLSv1.3";

/** The arguments of `h2load`: 32 connections, or 16 with 10 streams each, or one request for each connection. */
const LOADS: Readonly<Record<Load, readonly string[]>> = {
  "HTTP/1.1": ["--h1", "-c32", "-m1", `-n${REQUESTS}`],
  "HTTP/2": ["-c16", "-m10", `-n${REQUESTS}`],
  handshakes: ["--h1", `-c${HANDSHAKES}`, "-m1", `-n${HANDSHAKES}`],
};

/** Measures the edge's TLS. */
export async function benchTls(): Promise<Row[]> {
  if (!installed("h2load")) {
    const measured = "h2load is not installed (apt-get install nghttp2-client)";
    return [{ measure: "edge, HTTPS", bound: BOUNDS.tlsRate, measured, ok: undefined }];
  }
  const directory = await Deno.makeTempDir({ prefix: "unkey-bench-tls-" });
  const children: ChildProcess[] = [];
  await using feed = await Feed.start();
  try {
    const here = (file: string): string => new URL(file, import.meta.url).pathname;
    const files = await makeCertificate(directory, [`DNS:${HOST}`]);
    const app = await startDeno(children, "the app alone", [here("./edge_backend.ts")]);
    const port = freePort();
    const starting = startDeno(children, "edge", [here("./edge_process.ts"), feed.url, String(port)]);
    const stream = await feed.stream();
    stream.send(1, applyEndpoints("d_1", app.port));
    stream.send(2, applyRoute("ir_1", HOST, "d_1"));
    stream.send(3, await applyCertificate("cert_1", HOST, files));
    stream.send(3, snapshotEnd(3));
    const beat = setInterval(() => stream.send(3, { case: "heartbeat", value: {} }), 1_000);
    const edge = { ...await starting, port };
    const caddy = await startCaddy(children, { directory, app, ...files });
    // Before the loads: afterwards connections are in memory that was freed.
    const rows: Row[] = [];
    for (const protocol of ["http/1.1", "h2"] as const) rows.push(await idleRow(edge, protocol));
    for (const load of ["HTTP/1.1", "HTTP/2", "handshakes"] as const) {
      rows.push(
        await compare(`edge, TLS, ${load}`, {
          edge,
          caddy,
          bound: BOUNDS.tlsRate,
          perSecond: (target) => perSecond(load, target),
        }),
      );
    }
    for (const version of ["TLSv1.3", "TLSv1.2"] as const) rows.push(await resumedRow(version, edge, caddy));
    clearInterval(beat);
    return rows;
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await Deno.remove(directory, { recursive: true });
  }
}

/** Takes turns, so that other work of the machine meets both alike. */
async function compare(
  measure: string,
  { edge, caddy, bound, perSecond }: {
    readonly edge: Target;
    readonly caddy: Target | undefined;
    readonly bound: Bound;
    readonly perSecond: (target: Target) => Promise<number>;
  },
): Promise<Row> {
  const own: number[] = [];
  const other: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    own.push(await perSecond(edge));
    if (caddy !== undefined) other.push(await perSecond(caddy));
  }
  const [mine, theirs] = [quantile(own, 0.5), quantile(other, 0.5)];
  const beside = caddy === undefined ? "Caddy is not installed" : `Caddy ${Math.round(theirs)}/s`;
  return {
    measure,
    bound,
    measured: `${Math.round(mine)}/s; ${beside}`,
    ok: caddy === undefined ? undefined : mine >= bound.limit * theirs,
  };
}

async function resumedRow(version: Version, edge: Target, caddy: Target | undefined): Promise<Row> {
  const [measure, bound] = [`edge, ${version}, resumed handshakes`, BOUNDS.tlsResumedRate];
  if (!installed("python3")) return { measure, bound, measured: "python3 is not installed", ok: undefined };
  const perSecond = (target: Target): Promise<number> => resumedPerSecond(version, target);
  return await compare(measure, { edge, caddy, bound, perSecond });
}

async function resumedPerSecond(version: Version, { name, port }: Target): Promise<number> {
  const script = new URL("./tls_handshakes.py", import.meta.url).pathname;
  const { stdout, stderr } = await new Deno.Command("python3", {
    args: [script, String(port), HOST, String(RESUMED_SECONDS), "resumed", version],
  }).output();
  const [rate = NaN, resumed = 0] = new TextDecoder().decode(stdout).split(" ").map(Number);
  if (resumed >= RESUMED_MIN) return rate;
  throw new Error(`${name} resumed ${resumed} of its handshakes. ${new TextDecoder().decode(stderr)}`);
}

async function perSecond(load: Load, { port }: Target): Promise<number> {
  const { stdout } = await new Deno.Command("h2load", {
    args: [...LOADS[load], `--connect-to=127.0.0.1:${port}`, `https://${HOST}:${port}/`],
    stderr: "null",
  }).output();
  const text = new TextDecoder().decode(stdout);
  const rate = /finished in [^,]+, ([\d.]+) req\/s/.exec(text)?.[1];
  if (rate === undefined || !/ 0 failed/.test(text)) throw new Error(`Requests failed:\n${text}`);
  return Number(rate);
}

async function idleRow(edge: Target, protocol: "http/1.1" | "h2"): Promise<Row> {
  const before = await residentMib(edge.pid);
  const sockets = await Promise.all(Array.from({ length: IDLE }, () => shake(edge.port, protocol)));
  const kib = (await residentMib(edge.pid) - before) * 1_024 / IDLE;
  for (const socket of sockets) socket.destroy();
  return {
    measure: `edge, memory per idle TLS connection, ${protocol}`,
    bound: BOUNDS.tlsIdleKib,
    measured: `${kib.toFixed(0)} KiB`,
    ok: kib < BOUNDS.tlsIdleKib.limit,
  };
}

function shake(port: number, protocol: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, servername: HOST, rejectUnauthorized: false };
    const socket = connect({ ...options, ALPNProtocols: [protocol] }, () => resolve(socket));
    socket.once("error", reject);
  });
}

async function startCaddy(
  children: ChildProcess[],
  options: {
    readonly directory: string;
    readonly app: Target;
    readonly certificate: string;
    readonly privateKey: string;
  },
): Promise<Target | undefined> {
  if (!installed("caddy")) return undefined;
  const { directory, app, certificate, privateKey } = options;
  const port = freePort();
  const file = `${directory}/Caddyfile`;
  const site = `https://${HOST}:${port} {\n  bind 127.0.0.1\n  tls ${certificate} ${privateKey}\n` +
    `  reverse_proxy 127.0.0.1:${app.port}\n}\n`;
  await Deno.writeTextFile(
    file,
    `{\n  admin off\n  auto_https off\n  log {\n    level ERROR\n  }\n}\n${site}`,
  );
  const child = spawn("caddy", ["run", "--config", file, "--adapter", "caddyfile"], {
    stdio: "ignore",
    env: { ...Deno.env.toObject(), HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory },
  });
  children.push(child);
  await eventually(
    "Caddy to answer",
    () => shake(port, "h2").then((socket) => Boolean(socket.destroy()), () => false),
  );
  return { name: "Caddy", port, pid: child.pid ?? 0 };
}

if (import.meta.main) {
  report(await benchTls());
  Deno.exit();
}
