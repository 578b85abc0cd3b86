/**
 * A small closed-loop load generator over HTTP/1.1, run as a process of its own so that it does not share a core's event
 * loop with what it measures: `deno run -A tests/bench/load.ts '<json of LoadOptions>'` prints a `LoadResult`.
 *
 * It speaks HTTP on sockets itself, because `fetch` takes several times the processor time of a server that answers: with
 * it one measures the client. Responses must be small, and have a length or be chunked.
 */
// deno-lint-ignore-file no-console -- its result is its output
import { quantile } from "./row.ts";

const RESPONSE_BYTES_MAX = 64 * 1024;
const encoder = new TextEncoder();
const latin1 = new TextDecoder("latin1");

export interface LoadOptions {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Sent in turn, in place of `body`. */
  readonly bodies?: readonly string[];
  readonly connections: number;
  readonly durationMs: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly failed: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Runs the load in a process of its own. */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", new URL(import.meta.url).pathname, JSON.stringify(options)],
  }).output();
  if (code !== 0) throw new Error(`The load generator failed: ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function generate(options: LoadOptions): Promise<LoadResult> {
  const { url, connections, durationMs } = options;
  const requests = (options.bodies ?? [options.body ?? ""]).map((body) => encodeRequest(options, body));
  let turn = 0;
  const latencies: number[] = [];
  let failed = 0;
  const end = performance.now() + durationMs;
  const loop = async (): Promise<void> => {
    let connection = await Connection.open(url);
    while (performance.now() < end) {
      const request = requests[turn++ % requests.length] ?? new Uint8Array(0);
      const begun = performance.now();
      const { ok, reusable } = await connection.ask(request).catch(() => ({ ok: false, reusable: false }));
      latencies.push(performance.now() - begun);
      if (!ok) failed++;
      if (reusable) continue;
      connection.close();
      connection = await Connection.open(url);
    }
    connection.close();
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: connections }, loop));
  const seconds = (performance.now() - started) / 1000;
  return {
    requests: latencies.length,
    failed,
    perSecond: latencies.length / seconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}

interface Answer {
  readonly ok: boolean;
  /** True when the server takes another request on the connection. */
  readonly reusable: boolean;
}

/** One connection with at most one request under way, so that whatever arrives belongs to its response. */
class Connection {
  readonly #socket: Deno.TcpConn;
  readonly #buffer = new Uint8Array(RESPONSE_BYTES_MAX);

  private constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
  }

  static async open(url: string): Promise<Connection> {
    const { hostname, port } = new URL(url);
    const socket = await Deno.connect({ hostname, port: Number(port || 80) });
    socket.setNoDelay(true);
    return new Connection(socket);
  }

  async ask(request: Uint8Array): Promise<Answer> {
    for (let sent = 0; sent < request.length;) sent += await this.#socket.write(request.subarray(sent));
    for (let filled = 0;;) {
      const read = await this.#socket.read(this.#buffer.subarray(filled));
      if (read === null || read === 0) throw new Error("The response ended early, or is too large");
      filled += read;
      const answer = wholeAnswer(latin1.decode(this.#buffer.subarray(0, filled)));
      if (answer !== undefined) return answer;
    }
  }

  close(): void {
    this.#socket.close();
  }
}

/** The answer, once all of it is there. */
function wholeAnswer(text: string): Answer | undefined {
  const bodyAt = text.indexOf("\r\n\r\n") + 4;
  if (bodyAt < 4) return undefined;
  const head = text.slice(0, bodyAt);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const whole = length === undefined ? text.endsWith("0\r\n\r\n") : text.length >= bodyAt + Number(length);
  if (!whole) return undefined;
  return { ok: /^HTTP\/1\.1 2/.test(head), reusable: !/\r\nconnection: *close/i.test(head) };
}

function encodeRequest({ url, method, headers }: LoadOptions, body: string): Uint8Array {
  const { host, pathname, search } = new URL(url);
  const content = encoder.encode(body);
  const all = { host, "content-length": String(content.length), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = encoder.encode(`${method} ${pathname}${search} HTTP/1.1\r\n${lines.join("")}\r\n`);
  const request = new Uint8Array(head.length + content.length);
  request.set(head);
  request.set(content, head.length);
  return request;
}

if (import.meta.main) console.log(JSON.stringify(await generate(JSON.parse(Deno.args[0] ?? "{}"))));
