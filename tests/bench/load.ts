/**
 * A small closed-loop load generator over HTTP/1.1, run as a process of its own so that it does not share a core's event
 * loop with what it measures: `deno run -A tests/bench/load.ts '<json of LoadOptions>'` prints a `LoadResult`.
 */
// deno-lint-ignore-file no-console -- its result is its output
import { quantile } from "./row.ts";

export interface LoadOptions {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
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
  const { url, method, headers, body, connections, durationMs } = options;
  const latencies: number[] = [];
  let failed = 0;
  const end = performance.now() + durationMs;
  const loop = async (): Promise<void> => {
    while (performance.now() < end) {
      const begun = performance.now();
      const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
      await response.arrayBuffer();
      if (!response.ok) failed++;
      latencies.push(performance.now() - begun);
    }
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

if (import.meta.main) console.log(JSON.stringify(await generate(JSON.parse(Deno.args[0] ?? "{}"))));
