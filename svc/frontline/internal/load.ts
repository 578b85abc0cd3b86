import type { Instance } from "./route_table.ts";

/** The mean number of requests at a time that a deployment's instances in a region have from this edge. */
export interface RegionLoad {
  readonly deploymentId: string;
  readonly region: string;
  readonly concurrencyMilli: number;
}

/** The control plane takes no more. */
const LOADS_MAX = 10_000;
/** Means are over the last two reports' time: of less, each fluctuation would be seen; of more, a growth late. */
const REPORTS = 2;

interface Sample {
  readonly atMs: number;
  readonly busyMs: number;
}

export interface LoadSource {
  /** The instances of a deployment that is scaled. */
  readonly instances: readonly Instance[];
  /** Time of all its requests together, up to now. */
  readonly busyMs: number;
  readonly deploymentId: string;
}

/** Which of the instances get the requests; see `Balancer`. */
export type Preferred = (instances: readonly Instance[]) => readonly Instance[];

/** Means of what has grown since the last reports. */
export class Loads {
  readonly #preferred: Preferred;
  #samples = new Map<string, readonly Sample[]>();

  constructor(preferred: Preferred) {
    this.#preferred = preferred;
  }

  /** The loads to report now, of all `sources`: those that are missing from now on are forgotten. */
  take(sources: Iterable<LoadSource>, nowMs: number): readonly RegionLoad[] {
    const loads: RegionLoad[] = [];
    const samples = new Map<string, readonly Sample[]>();
    for (const { deploymentId, instances, busyMs } of sources) {
      if (loads.length >= LOADS_MAX) break;
      const known = this.#samples.get(deploymentId) ?? [];
      const sample = { atMs: nowMs, busyMs };
      samples.set(deploymentId, [...known, sample].slice(-REPORTS));
      const [first = sample] = known;
      const concurrency = nowMs > first.atMs ? (busyMs - first.busyMs) / (nowMs - first.atMs) : undefined;
      if (concurrency === undefined) continue;
      loads.push(...shares(deploymentId, { concurrency, instances, preferred: this.#preferred(instances) }));
    }
    this.#samples = samples;
    return loads;
  }
}

/** Every region of the deployment's instances, with its share of the requests. */
function shares(
  deploymentId: string,
  { concurrency, instances, preferred }: {
    readonly concurrency: number;
    readonly instances: readonly Instance[];
    readonly preferred: readonly Instance[];
  },
): readonly RegionLoad[] {
  const counts = new Map<string, number>();
  for (const { region } of instances) counts.set(region, counts.get(region) ?? 0);
  for (const { region } of preferred) counts.set(region, (counts.get(region) ?? 0) + 1);
  return [...counts].map(([region, count]) => ({
    deploymentId,
    region,
    concurrencyMilli: Math.max(0, Math.round((concurrency * count * 1_000) / Math.max(1, preferred.length))),
  }));
}
