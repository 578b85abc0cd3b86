/** The change feed at 1 to 1,000 streams, and snapshots of up to 10,000 deployments, on MariaDB. */
// deno-lint-ignore-file no-console -- prints a table when run alone
import type { StreamsOptions } from "./feed_streams.ts";
import { bareStreamKib } from "./feed_floor.ts";
import { type Bound, BOUNDS } from "./bounds.ts";
import { type Commit, FeedBed, type Streams } from "./feed_bed.ts";
import { peakMib, resetPeak, residentMib } from "./memory.ts";
import { quantile, report, type Row } from "./row.ts";

const STREAMS = [1, 50, 200, 1_000];
const DEPLOYMENTS = [100, 1_000, 10_000];
/** Deliveries per second that the commits add up to, at most. */
const DELIVERIES_PER_SECOND = 2_000;
const COMMITS_PER_SECOND_MAX = 20;
const MEASURE_MS = 10_000;
/** Between two heartbeats of an agent. */
const ALIVE_MS = 5_000;
const SETTLE_MS = 3_000;
/** By then every agent has reported its cursor once, which the api writes down. */
const OPEN_SETTLE_MS = ALIVE_MS + 2_000;
const IDLE_MS = 6_000;
const WARM_STREAMS = 50;
const DRAIN_MS = 5_000;
const PROCESSES = 2;

type DeliveryBound = Bound<{ readonly p50Ms: number; readonly p99Ms: number }>;

/** By number of streams. */
const DELIVERY: Readonly<Record<number, DeliveryBound>> = {
  200: BOUNDS.delivery200,
  1_000: BOUNDS.delivery1000,
};

type Agents = StreamsOptions["agents"];

/** Measures commit to receipt, queries, memory and snapshots. */
export async function benchFeed(streams = STREAMS, deployments = DEPLOYMENTS): Promise<Row[]> {
  const rows: Row[] = [{
    measure: "memory per idle stream of a bare node:http server",
    measured: `${(await bareStreamKib()).toFixed(0)} KiB`,
    ok: undefined,
  }];
  await using bed = await FeedBed.start();
  for (const count of streams) {
    const one = await bed.regions(1);
    const shared = Array.from({ length: count }, (_, n) => agentOf(n, one[0]));
    rows.push(...await measureStreams(bed, "one region", shared));
    if (count === 1) continue;
    const own = (await bed.regions(count)).map((each, n) => agentOf(n, each));
    rows.push(...await measureStreams(bed, "a region each", own));
  }
  for (const count of deployments) rows.push(...await measureSnapshot(bed, count));
  return rows;
}

function agentOf(n: number, at: { region: string; token: string } | undefined): Agents[number] {
  if (at === undefined) throw new Error("no region");
  return { id: `bench-${n}`, region: at.region, token: at.token };
}

async function measureStreams(bed: FeedBed, where: string, agents: Agents): Promise<Row[]> {
  const count = agents.length;
  const label = `${count} stream${count === 1 ? "" : "s"}, ${where}`;
  console.error(`  ${label}`);
  await bed.restartApi();
  // The code is compiled and the heap has its size before what is measured begins.
  await (await bed.open([agents.slice(0, WARM_STREAMS)], ALIVE_MS)).stop();
  await settle();
  const restMib = await residentMib(bed.apiPid);
  const streams = await bed.open(split(agents, count < 50 ? 1 : PROCESSES), ALIVE_MS);
  await sleep(OPEN_SETTLE_MS);
  const grownKib = (await residentMib(bed.apiPid) - restMib) * 1024 / count;
  const idle = await queriesPerSecond(bed, () => sleep(IDLE_MS));
  const regions = [...new Set(agents.map((each) => each.region))];
  const deliveries = count / regions.length;
  const perSecond = Math.min(COMMITS_PER_SECOND_MAX, DELIVERIES_PER_SECOND / deliveries);
  let commits: readonly Commit[] = [];
  const busy = await queriesPerSecond(bed, async () => {
    commits = await commitAtRandom(bed, regions, perSecond);
  });
  const { latencies, missing, problems } = await received(streams, commits, deliveries);
  if (problems.length > 0) throw new Error(`streams failed: ${problems.join("; ")}`);
  const bound = DELIVERY[count];
  const [p50, p99] = [quantile(latencies, 0.5), quantile(latencies, 0.99)];
  const rows: Row[] = [{
    measure: `commit -> received, ${label}`,
    ...(bound === undefined ? {} : { bound }),
    measured: `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms (${latencies.length} at ${
      perSecond.toFixed(0)
    } commits/s, ${missing} missing)`,
    ok: missing === 0 && (bound === undefined || p50 < bound.limit.p50Ms && p99 < bound.limit.p99Ms),
  }, {
    measure: `queries, ${label}`,
    bound: BOUNDS.idleQueriesPerSecond,
    measured: `idle ${idle.toFixed(1)}/s, busy ${busy.toFixed(1)}/s (the writer's too)`,
    ok: idle <= BOUNDS.idleQueriesPerSecond.limit,
  }];
  if (count >= 50) {
    rows.push({
      measure: `api memory per idle stream, ${label}`,
      bound: BOUNDS.streamKib,
      measured: `${grownKib.toFixed(0)} KiB`,
      ok: grownKib < BOUNDS.streamKib.limit,
    });
  }
  return rows;
}

/** Commits to random regions for a while, evenly. */
async function commitAtRandom(
  bed: FeedBed,
  regions: readonly string[],
  perSecond: number,
): Promise<Commit[]> {
  const deployments = await bed.deployments(regions.length === 1 ? 20 : 1);
  const commits: Commit[] = [];
  const started = performance.now();
  for (let n = 0; performance.now() - started < MEASURE_MS; n++) {
    const region = regions[Math.floor(Math.random() * regions.length)] ?? "";
    commits.push(await bed.commit(region, deployments[n % deployments.length] ?? "", n + 1));
    const waitMs = started + (n + 1) * 1_000 / perSecond - performance.now();
    if (waitMs > 0) await sleep(waitMs);
  }
  return commits;
}

async function received(
  streams: Streams,
  commits: readonly Commit[],
  deliveries: number,
): Promise<{ latencies: number[]; missing: number; problems: readonly string[] }> {
  await sleep(DRAIN_MS);
  const { received, problems } = await streams.stop();
  const latencies: number[] = [];
  let missing = 0;
  for (const commit of commits) {
    // A stream that was handed a later version of the region has this commit's state as well.
    const own = received.filter((each) => each.region === commit.region && each.version === commit.version);
    latencies.push(...own.map((each) => Math.max(0, each.atMs - commit.atMs)));
    missing += deliveries - own.length;
  }
  return { latencies, missing, problems };
}

async function measureSnapshot(bed: FeedBed, count: number): Promise<Row[]> {
  console.error(`  snapshot of ${count}`);
  const [at] = await bed.regions(1);
  const agent = agentOf(0, at);
  await bed.place(agent.region, await bed.deployments(count));
  await bed.restartApi();
  await settle();
  const restMib = await residentMib(bed.apiPid);
  await resetPeak(bed.apiPid);
  const streams = await bed.open([[agent]], 0);
  const grownMib = await peakMib(bed.apiPid) - restMib;
  const [ready] = streams.ready;
  const { problems } = await streams.stop();
  const measure = `snapshot of ${count} deployments to one agent`;
  const bound = BOUNDS.snapshot;
  const { ms, mib } = bound.limit;
  if (problems.length > 0 || ready?.resources !== count) {
    return [{ measure, bound, measured: `${ready?.resources} came: ${problems.join("; ")}`, ok: false }];
  }
  return [{
    measure,
    bound,
    measured: `${(ready.tookMs / 1000).toFixed(2)} s; api +${grownMib.toFixed(0)} MiB at its peak, client +${
      ready.grownMib.toFixed(0)
    } MiB`,
    ok: ready.tookMs < ms && grownMib < mib && ready.grownMib < mib,
  }];
}

/** Statements per second of the server while `action` runs, without the question itself. */
async function queriesPerSecond(bed: FeedBed, action: () => Promise<void>): Promise<number> {
  const [before, started] = [await bed.statements(), performance.now()];
  await action();
  const asked = 1;
  return (await bed.statements() - before - asked) / ((performance.now() - started) / 1_000);
}

function split(agents: Agents, parts: number): Agents[] {
  return Array.from({ length: parts }, (_, part) => agents.filter((_, n) => n % parts === part));
}

function settle(): Promise<void> {
  return sleep(SETTLE_MS);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Alone: numbers of streams and, after a slash, of deployments, e.g. `200 1000 / 10000`. */
function chosen(words: readonly string[]): [number[]?, number[]?] {
  if (words.length === 0) return [];
  const slash = words.includes("/") ? words.indexOf("/") : words.length;
  return [words.slice(0, slash).map(Number), words.slice(slash + 1).map(Number)];
}

if (import.meta.main) report(await benchFeed(...chosen(Deno.args)));
