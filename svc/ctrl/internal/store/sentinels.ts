/**
 * The proxies of environments. A sentinel is wanted wherever something of its environment should run; every change of it
 * is a change of the region's feed, in the same transaction.
 */
import type { Queryable, Tx } from "./database.ts";
import { appendChanges, lockRegion } from "./changes.ts";
import type { SentinelsTable } from "./schema.ts";

export interface SentinelShape {
  readonly image: string;
  readonly replicas: number;
  readonly cpuMillicores: number;
  readonly memoryMib: number;
}

/** A sentinel as it should be. Names and credential are used when there is none yet; the credential also after a rest. */
export interface WantedSentinel extends SentinelShape {
  readonly id: string;
  readonly workspaceId: string;
  readonly projectId: string;
  readonly environmentId: string;
  readonly region: string;
  readonly k8sName: string;
  readonly k8sAddress: string;
  /** SHA-256 of the token, hex. */
  readonly tokenHash: string;
  readonly encryptedToken: string;
}

/**
 * Makes the sentinel of this environment and region as wanted. Returns true when this changed its row.
 *
 * The caller has locked the region, and knows that something of the environment should run there.
 */
export async function ensureSentinel(tx: Tx, wanted: WantedSentinel, nowMs: number): Promise<boolean> {
  const row = await findSentinelOf(tx, wanted.environmentId, wanted.region);
  const runs = row?.desired_state === "running";
  if (row !== undefined && runs && hasShape(row, wanted)) return false;
  const version = await appendSentinelChange(tx, wanted.region, row?.id ?? wanted.id, nowMs);
  const shape = {
    image: wanted.image,
    desired_replicas: wanted.replicas,
    cpu_millicores: wanted.cpuMillicores,
    memory_mib: wanted.memoryMib,
  };
  const state = { ...shape, desired_state: "running" as const, version, updated_at: nowMs };
  const credential = { token_hash: wanted.tokenHash, encrypted_token: wanted.encryptedToken };
  if (row === undefined) {
    await tx.insertInto("sentinels").values({
      id: wanted.id,
      workspace_id: wanted.workspaceId,
      project_id: wanted.projectId,
      environment_id: wanted.environmentId,
      region: wanted.region,
      k8s_name: wanted.k8sName,
      k8s_address: wanted.k8sAddress,
      health: "unknown",
      available_replicas: 0,
      reported_generation: 0,
      created_at: nowMs,
      ...credential,
      ...state,
    }).execute();
    return true;
  }
  // What was archived gets another credential: the old one may have been read where it ran.
  const changes = runs
    ? state
    : { ...state, ...credential, health: "unknown" as const, available_replicas: 0 };
  await tx.updateTable("sentinels").set(changes).where("id", "=", row.id).execute();
  return true;
}

function hasShape(row: SentinelsTable, shape: SentinelShape): boolean {
  return row.image === shape.image && row.desired_replicas === shape.replicas &&
    row.cpu_millicores === shape.cpuMillicores && row.memory_mib === shape.memoryMib;
}

/**
 * Archives the sentinel of an environment in a region when nothing of the environment should run there any more; returns
 * whether it did. The caller has locked the region.
 */
export async function archiveIdleSentinel(
  tx: Tx,
  { environmentId, region, nowMs }: {
    readonly environmentId: string;
    readonly region: string;
    readonly nowMs: number;
  },
): Promise<boolean> {
  const row = await findSentinelOf(tx, environmentId, region);
  if (row?.desired_state !== "running" || await isPlacedIn(tx, environmentId, region)) return false;
  await archive(tx, row, nowMs);
  return true;
}

/** Archives a sentinel whatever runs; returns whether it did. */
export async function archiveSentinel(
  tx: Tx,
  { id, region, nowMs }: { readonly id: string; readonly region: string; readonly nowMs: number },
): Promise<boolean> {
  const find = () =>
    tx.selectFrom("sentinels").selectAll().where("id", "=", id)
      .where("region", "=", region).where("desired_state", "=", "running").executeTakeFirst();
  // Looked at first, so that on several shards its commit comes before the feed's.
  if (await find() === undefined) return false;
  await lockRegion(tx, region);
  const row = await find();
  if (row === undefined) return false;
  await archive(tx, row, nowMs);
  return true;
}

async function archive(tx: Tx, row: SentinelsTable, nowMs: number): Promise<void> {
  const version = await appendSentinelChange(tx, row.region, row.id, nowMs);
  await tx.updateTable("sentinels").set({ desired_state: "archived", version, updated_at: nowMs })
    .where("id", "=", row.id).execute();
}

async function appendSentinelChange(tx: Tx, region: string, id: string, nowMs: number): Promise<number> {
  const [version = 0] = await appendChanges(tx, region, [
    { resourceType: "sentinel", resourceId: id },
  ], nowMs);
  return version;
}

/** True when a deployment of the environment should run in the region. The newest come first: they are the likely ones. */
export async function isPlacedIn(db: Queryable, environmentId: string, region: string): Promise<boolean> {
  const row = await db.selectFrom("deployments")
    .innerJoin("deployment_topology", "deployment_topology.deployment_id", "deployments.id")
    .select("deployments.id")
    .where("environment_id", "=", environmentId).where("region", "=", region)
    .where("desired_status", "=", "started")
    .orderBy("deployments.created_at", "desc").limit(1).executeTakeFirst();
  return row !== undefined;
}

/** The sentinel of an environment in a region, by that unique key. */
export async function findSentinelOf(
  db: Queryable,
  environmentId: string,
  region: string,
): Promise<SentinelsTable | undefined> {
  return await db.selectFrom("sentinels").selectAll()
    .where("environment_id", "=", environmentId).where("region", "=", region).executeTakeFirst();
}

/** The sentinels of these tokens, without archived ones. Unique index on the hash. */
export async function listSentinelsByToken(
  db: Queryable,
  hashes: readonly string[],
): Promise<Pick<SentinelsTable, "id" | "environment_id" | "region" | "token_hash">[]> {
  if (hashes.length === 0) return [];
  return await db.selectFrom("sentinels").select(["id", "environment_id", "region", "token_hash"])
    .where("token_hash", "in", [...hashes]).where("desired_state", "=", "running").execute();
}

/** These sentinels of the region, by primary key. */
export async function listDesiredSentinels(
  db: Queryable,
  region: string,
  ids: readonly string[],
): Promise<SentinelsTable[]> {
  if (ids.length === 0) return [];
  return await db.selectFrom("sentinels").selectAll()
    .where("id", "in", [...ids]).where("region", "=", region).execute();
}

/** Sentinels that should run in the region, in order of version, above `afterVersion`. Index on region, state and version. */
export async function pageDesiredSentinels(
  db: Queryable,
  region: string,
  afterVersion: number,
  limit: number,
): Promise<SentinelsTable[]> {
  return await db.selectFrom("sentinels").selectAll()
    .where("region", "=", region).where("desired_state", "=", "running")
    .where("version", ">", afterVersion).orderBy("version").limit(limit).execute();
}

/** The same with archived sentinels, for clients that delete only by message. */
export async function pageRecordedSentinels(
  db: Queryable,
  region: string,
  afterVersion: number,
  limit: number,
): Promise<SentinelsTable[]> {
  return await db.selectFrom("sentinels").selectAll().where("region", "=", region)
    .where("version", ">", afterVersion).orderBy("version").limit(limit).execute();
}

/** State of a sentinel as its agent reports it. */
export interface SentinelReport {
  readonly k8sName: string;
  readonly region: string;
  readonly health: SentinelsTable["health"];
  readonly availableReplicas: number;
  /** Empty: as it was. */
  readonly address: string;
  /** Grows with every report; 0 for clients that do not count, whose reports are taken as they come. */
  readonly generation: number;
  readonly nowMs: number;
}

/** Stores the state of a sentinel of the region, unless a newer report was taken. False: an older one, or no such sentinel. */
export async function reportSentinel(db: Queryable, report: SentinelReport): Promise<boolean> {
  const { generation, address } = report;
  const update = db.updateTable("sentinels").set({
    health: report.health,
    available_replicas: report.availableReplicas,
    updated_at: report.nowMs,
    ...(address === "" ? {} : { k8s_address: address }),
    ...(generation === 0 ? {} : { reported_generation: generation }),
  }).where("k8s_name", "=", report.k8sName).where("region", "=", report.region);
  const newer = generation === 0 ? update : update.where("reported_generation", "<", generation);
  return (await newer.executeTakeFirst()).numUpdatedRows > 0n;
}

/** The generation of the last report that was taken of a sentinel. */
export async function sentinelGeneration(
  db: Queryable,
  k8sName: string,
  region: string,
): Promise<number | undefined> {
  const row = await db.selectFrom("sentinels").select("reported_generation")
    .where("k8s_name", "=", k8sName).where("region", "=", region).executeTakeFirst();
  return row?.reported_generation;
}
