// deno-lint-ignore-file no-console -- says how far a long measurement is
/** One platform of a size under its load, from the first snapshot to empty queues. */
import { ACTIVE_STATUSES } from "../../../svc/ctrl/internal/deployments/status.ts";
import { EDGE_REGION } from "../../../svc/ctrl/internal/store/mod.ts";
import { eventually } from "../../testbed/wait.ts";
import { ScaleBed } from "./bed.ts";
import { type Accepted, createDeployments } from "./load.ts";
import { type DeployTimes, readTimes } from "./phases.ts";
import { type Sample, Sampler } from "./sampler.ts";
import { type ScaleSize } from "./size.ts";
import { type NotedStatement, readStatements } from "./statements.ts";
import { Tracker } from "./tracker.ts";

/** Everything that a run found. */
export interface ScaleResult {
  readonly size: ScaleSize;
  readonly seedMs: number;
  /** From the start of the agents to the report of the last deployment that runs already. */
  readonly reportedMs: number;
  readonly loadMs: number;
  readonly drainedMs: number;
  readonly times: readonly DeployTimes[];
  /** Deployments by the status in which they ended. */
  readonly ended: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
  readonly left: Left;
  /** Without load, then under it. */
  readonly idle: readonly Sample[];
  readonly samples: readonly Sample[];
  /** The load in milliseconds since the epoch. */
  readonly beganAtMs: number;
  readonly statements: readonly NotedStatement[];
}

/** Counts at the end that are all 0 after a good run. */
export interface Left {
  /** Differences to the number of deployments that ran at the beginning. */
  readonly running: number;
  readonly instances: number;
  /** Deploys that have not ended. */
  readonly active: number;
  /** Workflows that have not ended. */
  readonly workflows: number;
  /** Agents and edges that are missing, or behind their feed. */
  readonly behind: number;
  /** Switches that some edge has not acknowledged. */
  readonly switching: number;
}

export interface RunOptions {
  readonly sampleMs?: number;
  readonly idleMs?: number;
  readonly signal?: AbortSignal;
}

const DRAIN_MS_MAX = 300_000;
/** A hundred thousand reports of agents that begin anew. */
const REPORTED_MS_MAX = 1_800_000;

/** Runs the load of `size`; the caller judges the result. */
export async function runScale(size: ScaleSize, options: RunOptions = {}): Promise<ScaleResult> {
  const { sampleMs = 1_000, idleMs = 10_000, signal = new AbortController().signal } = options;
  const seedAt = performance.now();
  await using bed = await ScaleBed.start(size);
  const seedMs = performance.now() - seedAt;
  console.error(`  ${size.deployments} deployments seeded in ${(seedMs / 1_000).toFixed(1)} s`);
  const agentsAt = performance.now();
  await bed.startRegions();
  await eventually("all agents to have reported what runs", async () => {
    signal.throwIfAborted();
    return await allReported(bed) && (await leftBehind(bed)).behind === 0;
  }, { deadlineMs: REPORTED_MS_MAX, everyMs: 2_000 });
  const reportedMs = performance.now() - agentsAt;
  console.error(`  agents and edges are up to date after ${(reportedMs / 1_000).toFixed(1)} s`);

  const idle = await sampled(bed, { everyMs: idleMs, ownStatements: () => 0 }, () => wait(idleMs));
  const tracker = new Tracker(bed.db, size.regions);
  await tracker.start();
  const accepted: Accepted[] = [];
  const beganAtMs = Date.now();
  let [loadMs, drainedMs, problems]: [number, number, readonly string[]] = [0, 0, []];
  const under = { everyMs: sampleMs, ownStatements: () => tracker.ownStatements };
  const samples = await sampled(bed, under, async () => {
    const at = performance.now();
    problems = await createDeployments({
      url: bed.url,
      size,
      projects: bed.projects,
      onAccepted: (each) => {
        tracker.add(each.id);
        accepted.push(each);
      },
    }, signal);
    loadMs = performance.now() - at;
    await drained(bed, tracker).catch((error: unknown) => console.error(String(error)));
    drainedMs = performance.now() - at;
  });
  await tracker.stop();
  const ended: Record<string, number> = {};
  for (const status of tracker.ended.values()) ended[status] = (ended[status] ?? 0) + 1;
  const left = await leftBehind(bed, tracker);
  if (Object.values(left).some((count) => count !== 0)) console.error(await bed.logs());
  return {
    size,
    seedMs,
    reportedMs,
    loadMs,
    drainedMs,
    times: await readTimes(bed.db, accepted, tracker.acknowledgedAtMs),
    ended,
    problems,
    left,
    idle,
    samples,
    beganAtMs,
    statements: readStatements(await Deno.readTextFile(bed.database.notesFile).catch(() => ""), isOwn),
  };
}

/** All deploys have ended, what they replaced is stopped, and agents and edges are at the end of their feeds. */
async function drained(bed: ScaleBed, tracker: Tracker): Promise<void> {
  await eventually("the last deploy to end", () => tracker.open === 0, { deadlineMs: DRAIN_MS_MAX });
  await eventually("all queues to be empty", async () => {
    const left = await leftBehind(bed, tracker);
    return Object.values(left).every((count) => count === 0);
  }, { deadlineMs: DRAIN_MS_MAX, everyMs: 1_000 });
}

async function allReported({ db, size }: ScaleBed): Promise<boolean> {
  const row = await db.kysely.selectFrom("deployment_topology")
    .select((eb) => eb.fn.countAll<number>().as("count")).where("reported_generation", ">", 0)
    .executeTakeFirst();
  return Number(row?.count) === size.deployments * size.regions;
}

async function leftBehind(bed: ScaleBed, tracker?: Tracker): Promise<Left> {
  const { db, size } = bed;
  const count = async (query: { execute(): Promise<{ count: number }[]> }): Promise<number> =>
    Number((await query.execute())[0]?.count);
  const running = await count(
    db.kysely.selectFrom("deployments").select((eb) => eb.fn.countAll<number>().as("count"))
      .where("status", "=", "ready"),
  );
  const active = await count(
    db.kysely.selectFrom("deployments").select((eb) => eb.fn.countAll<number>().as("count"))
      .where("status", "in", [...ACTIVE_STATUSES]),
  );
  const instances = await count(
    db.kysely.selectFrom("instances").select((eb) => eb.fn.countAll<number>().as("count"))
      .where("status", "=", "running"),
  );
  const versions = new Map(
    (await db.kysely.selectFrom("region_versions").selectAll().execute())
      .map(({ region, version }) => [region, version]),
  );
  const agents = await db.kysely.selectFrom("agents").select(["region", "applied_version"]).execute();
  const current = agents.filter((each) => each.applied_version === versions.get(each.region)).length;
  const edges = agents.filter(({ region }) => region === EDGE_REGION).length;
  const [workflows] = await bed.ask(
    "select count(*) as count from sys_invocation where status not in ('completed', 'scheduled')",
  );
  return {
    running: running - size.deployments,
    instances: instances - size.deployments * size.regions,
    active,
    workflows: Number(workflows?.["count"]),
    behind: agents.length - current + Math.abs(agents.length - 2 * size.regions) +
      Math.abs(edges - size.regions),
    switching: tracker?.switching ?? 0,
  };
}

async function sampled(
  bed: ScaleBed,
  { everyMs, ownStatements }: { readonly everyMs: number; readonly ownStatements: () => number },
  during: () => Promise<void>,
): Promise<readonly Sample[]> {
  const sampler = new Sampler({ pids: await bed.pids(), database: bed.database, everyMs, ownStatements });
  await sampler.start();
  try {
    await during();
  } finally {
    await sampler.stop();
  }
  return sampler.samples;
}

/** Counts of whole tables are made by nothing else. */
function isOwn(text: string): boolean {
  return text.startsWith("select count(*) as count from");
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
