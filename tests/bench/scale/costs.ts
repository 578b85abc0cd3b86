/** The cost of one deploy, beyond that of the idle platform in the same time. */
import type { ScaleResult } from "./run.ts";
import type { Sample } from "./sampler.ts";

/** Of one deploy, whatever else the machine did. */
export interface Costs {
  readonly statements: number;
  readonly rowsRead: number;
  readonly rowsWritten: number;
  readonly kib: number;
  /** Milliseconds of processor time, by process. */
  readonly processorMs: Readonly<Record<string, number>>;
}

/** Of the idle platform, each second. */
export interface IdleCosts extends Costs {
  readonly threadsRunning: number;
}

/** Differences between the first and the last sample. */
export function spent(samples: readonly Sample[]): Costs & { readonly seconds: number } {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) throw new Error("nothing was sampled");
  const processorMs = Object.entries(last.processorS).map(([name, seconds]) =>
    [name, (seconds - (first.processorS[name] ?? 0)) * 1_000] as const
  );
  return {
    seconds: (last.atMs - first.atMs) / 1_000,
    statements: last.database.statements - first.database.statements,
    rowsRead: last.database.rowsRead - first.database.rowsRead,
    rowsWritten: last.database.rowsWritten - first.database.rowsWritten,
    kib: (last.database.bytes - first.database.bytes) / 1_024,
    processorMs: Object.fromEntries(processorMs),
  };
}

/** Each deploy's share of what the load cost more than rest. */
export function costsOf({ samples, idle, size }: ScaleResult): Costs {
  const [busy, rest] = [spent(samples), spent(idle)];
  const share = (used: number, resting: number): number =>
    (used - resting * busy.seconds / rest.seconds) / size.deploys;
  const processorMs = Object.entries(busy.processorMs).map(([name, ms]) =>
    [name, share(ms, rest.processorMs[name] ?? 0)] as const
  );
  return {
    statements: share(busy.statements, rest.statements),
    rowsRead: share(busy.rowsRead, rest.rowsRead),
    rowsWritten: share(busy.rowsWritten, rest.rowsWritten),
    kib: share(busy.kib, rest.kib),
    processorMs: Object.fromEntries(processorMs),
  };
}

/** The most that each process had resident. */
export function peaks(samples: readonly Sample[]): ReadonlyMap<string, number> {
  const most = new Map<string, number>();
  for (const { residentMib } of samples) {
    for (const [name, mib] of Object.entries(residentMib)) most.set(name, Math.max(most.get(name) ?? 0, mib));
  }
  return most;
}
