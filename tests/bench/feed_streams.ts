/**
 * Agents without a runtime, as a process of its own so that it does not share an event loop with what it measures:
 * `deno run -A tests/bench/feed_streams.ts '<json of StreamsOptions>'` opens the streams, prints one line of JSON when
 * all of them have their snapshot, and what it received when its standard input closes.
 */
// deno-lint-ignore-file no-console -- its result is its output
import { Secret } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { ClusterService, type DeploymentState } from "../../proto/gen/ctrl/v1/cluster_pb.ts";
import { residentMib } from "./memory.ts";
import { watchDeployments } from "./watch_stream.ts";

/** Which streams to open. */
export interface StreamsOptions {
  readonly url: string;
  /** A stream for each; several may be of one region. */
  readonly agents: readonly { readonly id: string; readonly region: string; readonly token: string }[];
  /** Between two heartbeats of an agent. */
  readonly aliveMs: number;
}

/** Printed when every stream has its snapshot. */
export interface StreamsReady {
  readonly resources: number;
  readonly tookMs: number;
  /** Growth of the process. */
  readonly grownMib: number;
}

/** Printed at the end. */
export interface StreamsResult {
  /** When each stream received each change, in milliseconds since the epoch. */
  readonly received: readonly { readonly region: string; readonly version: number; readonly atMs: number }[];
  readonly problems: readonly string[];
}

const now = (): number => performance.timeOrigin + performance.now();

async function main(options: StreamsOptions): Promise<void> {
  const received: { region: string; version: number; atMs: number }[] = [];
  const problems: string[] = [];
  const stop = new AbortController();
  let resources = 0;
  const before = await residentMib(Deno.pid);
  const started = performance.now();
  const open = async ({ id, region, token }: StreamsOptions["agents"][number], ordinal: number) => {
    const client = createRpcClient(ClusterService, {
      baseUrl: options.url,
      token: new Secret(token),
      headers: { "x-krane-region": region },
    });
    const ready = Promise.withResolvers<void>();
    let [version, live] = [0, false];
    const take = (message: DeploymentState): void => {
      version = Number(message.version);
      if (message.state.case === "snapshotEnd") {
        live = true;
        ready.resolve();
      } else if (message.state.case === "apply" || message.state.case === "delete") {
        if (live) received.push({ region, version, atMs: now() });
        else resources++;
      }
    };
    watchDeployments({ url: options.url, agentId: id, region, token }, take, stop.signal).catch(
      (error: unknown) => {
        if (!stop.signal.aborted) problems.push(String(error));
        ready.resolve();
      },
    );
    await ready.promise;
    const alive = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, (ordinal * 7_919) % options.aliveMs));
      while (!stop.signal.aborted) {
        const progress = { agentId: id, appliedVersion: BigInt(version), observedVersion: BigInt(version) };
        await client.acknowledge(progress, { signal: stop.signal }).catch((error: unknown) => {
          if (!stop.signal.aborted) problems.push(String(error));
        });
        await new Promise((resolve) => setTimeout(resolve, options.aliveMs));
      }
    };
    if (options.aliveMs > 0) alive();
  };
  // In groups, as agents that reconnect with jitter do.
  for (let start = 0; start < options.agents.length; start += 50) {
    await Promise.all(options.agents.slice(start, start + 50).map((each, n) => open(each, start + n)));
  }
  const grownMib = await residentMib(Deno.pid) - before;
  const ready: StreamsReady = { resources, tookMs: performance.now() - started, grownMib };
  console.log(JSON.stringify(ready));
  for await (const _ of Deno.stdin.readable);
  stop.abort();
  const result: StreamsResult = { received, problems: problems.slice(0, 5) };
  console.log(JSON.stringify(result));
  Deno.exit(0);
}

if (import.meta.main) await main(JSON.parse(Deno.args[0] ?? "{}"));
