/** The times of a deploy, from its own trace. */
import type { CtrlDatabase } from "../../../svc/ctrl/internal/store/mod.ts";
import { quantile } from "../row.ts";
import type { Accepted } from "./load.ts";

/** In the order of a deploy. All but the first are counted from the beginning of the trace. */
export const PHASES = [
  "accepted",
  "queue",
  "scheduled",
  "instances ready",
  "switched",
  "acknowledged by the edges",
] as const;

export type Phase = (typeof PHASES)[number];

/** Milliseconds of one deploy; a phase that it has not reached is absent. */
export interface DeployTimes {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly beganAtMs: number;
  readonly ms: Readonly<Partial<Record<Phase, number>>>;
}

export interface PhaseQuantiles {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const IDS_PER_READ = 500;

interface Ends {
  firstWorkerAtMs: number | undefined;
  readonly atMs: Map<string, number>;
}

/** Reads the times of these deploys. */
export async function readTimes(
  db: CtrlDatabase,
  accepted: readonly Accepted[],
  acknowledgedAtMs: ReadonlyMap<string, number>,
): Promise<readonly DeployTimes[]> {
  const times: DeployTimes[] = [];
  for (let start = 0; start < accepted.length; start += IDS_PER_READ) {
    const part = accepted.slice(start, start + IDS_PER_READ);
    const ids = part.map(({ id }) => id);
    const traces = await db.kysely.selectFrom("deployment_traces").select(["deployment_id", "started_at"])
      .where("deployment_id", "in", ids).execute();
    const began = new Map(traces.map((row) => [row.deployment_id, row.started_at]));
    const ends = await readEnds(db, ids);
    for (const { id, tookMs } of part) {
      const beganAtMs = began.get(id);
      if (beganAtMs === undefined) continue;
      const { firstWorkerAtMs, atMs } = ends.get(id) ?? { firstWorkerAtMs: undefined, atMs: new Map() };
      const since = (at: number | undefined) => at === undefined ? undefined : Math.max(0, at - beganAtMs);
      const all: Record<Phase, number | undefined> = {
        accepted: tookMs,
        queue: since(firstWorkerAtMs),
        scheduled: since(atMs.get("worker place")),
        "instances ready": since(atMs.get("step deploying")),
        switched: since(atMs.get("step network")),
        "acknowledged by the edges": since(acknowledgedAtMs.get(id)),
      };
      times.push({ id, beganAtMs, ms: present(all) });
    }
  }
  return times;
}

async function readEnds(db: CtrlDatabase, ids: readonly string[]): Promise<ReadonlyMap<string, Ends>> {
  const spans = await db.kysely.selectFrom("deployment_spans")
    .select(["deployment_id", "source", "name", "started_at", "ended_at"])
    .where("deployment_id", "in", [...ids]).where("source", "in", ["worker", "step"]).execute();
  const ends = new Map<string, Ends>();
  for (const { deployment_id: id, source, name, started_at: from, ended_at: to } of spans) {
    const own = ends.get(id) ?? { firstWorkerAtMs: undefined, atMs: new Map<string, number>() };
    ends.set(id, own);
    own.atMs.set(`${source} ${name}`, to);
    if (source === "worker") own.firstWorkerAtMs = Math.min(own.firstWorkerAtMs ?? Infinity, from);
  }
  return ends;
}

function present(all: Readonly<Record<Phase, number | undefined>>): DeployTimes["ms"] {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Half and the slowest hundredth of the deploys that reached each phase. */
export function quantiles(times: readonly DeployTimes[]): Readonly<Record<Phase, PhaseQuantiles>> {
  const of = (phase: Phase): PhaseQuantiles => {
    const values = times.flatMap(({ ms }) => ms[phase] ?? []);
    return { count: values.length, p50Ms: quantile(values, 0.5), p99Ms: quantile(values, 0.99) };
  };
  return {
    accepted: of("accepted"),
    queue: of("queue"),
    scheduled: of("scheduled"),
    "instances ready": of("instances ready"),
    switched: of("switched"),
    "acknowledged by the edges": of("acknowledged by the edges"),
  };
}
