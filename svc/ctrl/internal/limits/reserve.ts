import { Fault } from "../../../../pkg/fault/mod.ts";
import {
  countActiveDeployments,
  countDeploymentsSince,
  countOpenRuns,
  countProjects,
  countScaledInstances,
  countWorkspaceEnvironments,
  countWorkspaceVariables,
  findWorkspaceLimit,
  lockWorkspace,
  type Queryable,
  type Tx,
} from "../store/mod.ts";
import { type CountedLimit, LIMITS } from "./limits.ts";

const HOUR_MS = 3_600_000;
/** A deployment that ends makes room; the time of its end is not known. */
const RETRY_SECONDS = 30;

/** Limits that are counted in the database. */
export type StoredLimit = Exclude<CountedLimit, "streams">;

/** The number of things that a limit counts, and the seconds after which there may be fewer. */
export interface Usage {
  readonly used: number;
  /** `undefined`: not by waiting. */
  readonly retryAfterSeconds: number | undefined;
}

const COUNTS: Readonly<
  Record<StoredLimit, (db: Queryable, workspaceId: string, nowMs: number) => Promise<Usage>>
> = {
  projects: (db, workspaceId) => lasting(countProjects(db, workspaceId)),
  environments: (db, workspaceId) => lasting(countWorkspaceEnvironments(db, workspaceId)),
  variables: (db, workspaceId) => lasting(countWorkspaceVariables(db, workspaceId)),
  async deployments_active(db, workspaceId) {
    return { used: await countActiveDeployments(db, workspaceId), retryAfterSeconds: RETRY_SECONDS };
  },
  async deployments_per_hour(db, workspaceId, nowMs) {
    const { count, firstMs } = await countDeploymentsSince(db, workspaceId, nowMs - HOUR_MS);
    const untilMs = (firstMs ?? nowMs) + HOUR_MS - nowMs;
    return { used: count, retryAfterSeconds: Math.max(1, Math.ceil(untilMs / 1_000)) };
  },
  async runs(db, workspaceId) {
    return { used: await countOpenRuns(db, workspaceId), retryAfterSeconds: RETRY_SECONDS };
  },
  scaled_instances: (db, workspaceId) => lasting(countScaledInstances(db, workspaceId)),
};

async function lasting(count: Promise<number>): Promise<Usage> {
  return { used: await count, retryAfterSeconds: undefined };
}

/** The use of a limit now. */
export function usageOf(
  db: Queryable,
  name: StoredLimit,
  { workspaceId, nowMs }: { readonly workspaceId: string; readonly nowMs: number },
): Promise<Usage> {
  return COUNTS[name](db, workspaceId, nowMs);
}

/**
 * Refuses more than the workspace may have. The transaction adds what it asks for; others of the workspace wait until it has ended, so
 * that two of them never take the same last place.
 *
 * @throws `rate_limited` with the limit, the use, and what to do
 */
export async function reserve(
  tx: Tx,
  names: readonly StoredLimit[],
  { workspaceId, added = 1, nowMs }: {
    readonly workspaceId: string;
    readonly added?: number;
    readonly nowMs: number;
  },
): Promise<void> {
  await lockWorkspace(tx, workspaceId);
  for (const name of names) {
    const limit = await findWorkspaceLimit(tx, workspaceId, name) ?? LIMITS[name].value;
    const usage = await usageOf(tx, name, { workspaceId, nowMs });
    if (usage.used + added > limit) throw exceeded(name, limit, usage);
  }
}

/** The number that the workspace may still add; others of the workspace wait until the transaction has ended. */
export async function roomOf(
  tx: Tx,
  name: StoredLimit,
  { workspaceId, nowMs }: { readonly workspaceId: string; readonly nowMs: number },
): Promise<number> {
  await lockWorkspace(tx, workspaceId);
  const limit = await findWorkspaceLimit(tx, workspaceId, name) ?? LIMITS[name].value;
  return Math.max(0, limit - (await usageOf(tx, name, { workspaceId, nowMs })).used);
}

/** The refusal of more than a limit allows. */
export function exceeded(name: CountedLimit, limit: number, { used, retryAfterSeconds }: Usage): Fault {
  const { about, advice } = LIMITS[name];
  const text =
    `The workspace has ${used} ${about}, and ${limit} are allowed. ${advice}, or ask the operator for a ` +
    'higher limit. "unkey limits" shows all limits.';
  return new Fault("rate_limited", `limit ${name}: ${used} of ${limit}`, {
    publicMessage: text,
    retryAfterSeconds,
  });
}
