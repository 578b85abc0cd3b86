/**
 * The cost of metrics: processor time of a request through an edge that counts, beside one that does not, in turns. Time of
 * the processor, since requests per second say more about what else the machine does. `deno task bench metrics`
 */
import type { ChildProcess } from "node:child_process";
import { Feed } from "../integration/frontline_feed.ts";
import { BOUNDS } from "./bounds.ts";
import { HOST, startDeno, startEdge, type Target } from "./edge.ts";
import { load } from "./load.ts";
import { residentMib } from "./memory.ts";
import { quantile, type Row } from "./row.ts";

const CONNECTIONS = 32;
const ROUND_MS = 700;
/** Neighbours are compared, since other work of the machine changes from one round to the next. */
const ROUNDS = 25;

/** Processor time per request in microseconds, and requests per second. */
interface Cost {
  readonly microseconds: number;
  readonly perSecond: number;
  readonly p99Ms: number;
}

/** Two ways in which an edge is started, the cheaper one first. */
export interface Compared {
  readonly names: readonly [string, string];
  readonly options: readonly [readonly string[], readonly string[]];
}

/** Measures an edge with and without metrics. */
export async function benchMetrics(): Promise<Row[]> {
  return await compareEdges({ names: ["metrics off", "metrics on"], options: [[], ["", "metrics"]] });
}

/** Measures two edges in turns. */
export async function compareEdges({ names, options }: Compared): Promise<Row[]> {
  const children: ChildProcess[] = [];
  await using feed = await Feed.start();
  await using other = await Feed.start();
  try {
    const backend = new URL("./edge_backend.ts", import.meta.url).pathname;
    const app = await startDeno(children, "the app", [backend]);
    const off = await startEdge(children, feed, app, { name: names[0], options: options[0] });
    const on = await startEdge(children, other, app, { name: names[1], options: options[1] });
    for (const target of [off, on]) await measure(target);
    const costs = new Map<Target, Cost[]>([[off, []], [on, []]]);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [target, all] of costs) all.push(await measure(target));
    }
    return rows(names, [costs.get(off) ?? [], costs.get(on) ?? []], [await memory(off), await memory(on)]);
  } finally {
    for (const child of children) child.kill("SIGKILL");
  }
}

function rows(
  names: Compared["names"],
  [off, on]: readonly [readonly Cost[], readonly Cost[]],
  [offMib, onMib]: readonly [number, number],
): Row[] {
  const ratios = on.map(({ microseconds }, round) => microseconds / (off[round]?.microseconds ?? NaN));
  const ratio = quantile(ratios, 0.5);
  const text = ({ microseconds, perSecond, p99Ms }: Cost): string =>
    `${microseconds.toFixed(0)} us, ${Math.round(perSecond)}/s, p99 ${p99Ms.toFixed(1)} ms`;
  return [{
    measure: `edge, ${names[1]} and ${names[0]}`,
    bound: BOUNDS.metricsCost,
    measured: `${ratio.toFixed(3)} x: ${text(medians(on))} on, ${text(medians(off))} off; ${
      onMib.toFixed(0)
    } and ${offMib.toFixed(0)} MiB`,
    ok: ratio <= BOUNDS.metricsCost.limit,
  }];
}

function medians(costs: readonly Cost[]): Cost {
  return {
    microseconds: quantile(costs.map((each) => each.microseconds), 0.5),
    perSecond: quantile(costs.map((each) => each.perSecond), 0.5),
    p99Ms: quantile(costs.map((each) => each.p99Ms), 0.5),
  };
}

async function measure({ port, pid }: Target): Promise<Cost> {
  const before = await processorSeconds(pid);
  const { perSecond, requests, p99Ms } = await load({
    url: `http://127.0.0.1:${port}/`,
    method: "GET",
    headers: { host: HOST },
    connections: CONNECTIONS,
    durationMs: ROUND_MS,
  });
  const seconds = await processorSeconds(pid) - before;
  return { microseconds: seconds * 1e6 / requests, perSecond, p99Ms };
}

function memory({ pid }: Target): Promise<number> {
  return residentMib(pid);
}

/** Time of all threads of a process on a processor, in seconds, from the kernel's scheduler. */
async function processorSeconds(pid: number): Promise<number> {
  let nanoseconds = 0;
  for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
    const text = await Deno.readTextFile(`/proc/${pid}/task/${name}/schedstat`).catch(() => "0");
    nanoseconds += Number(text.split(" ")[0]);
  }
  return nanoseconds / 1e9;
}
