import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { isLate, PLATFORM_WORKSPACE } from "../../internal/certificates/mod.ts";
import { decodeIssues } from "../../internal/domains/mod.ts";
import { AGENT_HEARTBEAT_TIMEOUT_MS } from "../../internal/agents/mod.ts";
import {
  type AgentsTable,
  countInstancesByRegion,
  countSentinelsByRegion,
  findChangeTime,
  listAgents,
  listDownRegions,
  listOpenOrders,
  listOwnResources,
  listRegionVersions,
  listTroubledDomains,
  listWorkers,
} from "../../internal/store/mod.ts";
import type { AdminDeps } from "./deps.ts";

/** An agent or edge. */
export interface AgentStatus {
  readonly agentId: string;
  readonly appliedVersion: number;
  readonly observedVersion: number;
  readonly lastSeenAt: number;
  readonly alive: boolean;
}

/** The last change that an agent of the region could not apply. */
export interface Nack {
  readonly resource: string;
  readonly error: string;
  readonly at: number;
}

/** The progress of a region. The region `*` is that of the edges. */
export interface RegionStatus {
  readonly region: string;
  readonly desiredVersion: number;
  readonly agents: readonly AgentStatus[];
  /** Only about the caller's own deployments and sentinels. */
  readonly lastNack: Nack | undefined;
  readonly desiredInstances: number;
  readonly runningInstances: number;
  /** Deployments that the region's cluster or engine does not come to run. */
  readonly refusedDeployments: number;
  readonly desiredSentinels: number;
  /** Sentinels that take requests. */
  readonly healthySentinels: number;
  /** The time of the oldest change that the slowest agent has not applied. */
  readonly waitingSince: number | undefined;
  /** The time since which the region is down. */
  readonly silentSince: number | undefined;
}

/** A certificate that is ordered now, or renewed. */
export interface PendingCertificate {
  readonly hostname: string;
  /** `undefined`: there has been none. */
  readonly notAfterMs: number | undefined;
  readonly failures: number;
  readonly problem: string | undefined;
  readonly nextAttemptAtMs: number;
  readonly late: boolean;
}

const CERTIFICATES_MAX = 100;

/** The certificates of the caller's workspace and of the platform that are not there yet, or are being renewed. */
export async function listPendingCertificates(
  { db, clock }: AdminDeps,
  caller: RootKeyPrincipal,
): Promise<PendingCertificate[]> {
  const workspaceIds = [caller.workspaceId, PLATFORM_WORKSPACE];
  const open = await listOpenOrders(db.kysely, { workspaceIds, limit: CERTIFICATES_MAX });
  const nowMs = clock.now();
  return open.map((each) => ({ ...each, late: isLate(each, nowMs) }));
}

/** A worker. */
export interface WorkerStatus {
  readonly id: string;
  readonly startedAt: number;
  readonly lastSeenAt: number;
  readonly alive: boolean;
}

const WORKERS_MAX = 100;
/** Three heartbeats of a worker. */
const WORKER_TIMEOUT_MS = 30_000;

/** Workers, and those that were lost within a day. */
export async function listWorkerStatus({ db, clock }: AdminDeps): Promise<readonly WorkerStatus[]> {
  const nowMs = clock.now();
  const rows = await listWorkers(db.kysely, { sinceMs: nowMs - AGENT_SHOWN_MS, limit: WORKERS_MAX });
  return rows.map(({ id, started_at: startedAt, last_seen_at: lastSeenAt }) => ({
    id,
    startedAt,
    lastSeenAt,
    alive: lastSeenAt > nowMs - WORKER_TIMEOUT_MS,
  }));
}

const DOMAINS_MAX = 100;

/** A custom domain that visitors do not get to, or not for long. */
export interface DomainTrouble {
  readonly domain: string;
  readonly projectSlug: string;
  readonly environmentSlug: string;
  readonly status: string;
  /** Since then its proof has been gone. */
  readonly lostAtMs: number | undefined;
  /** Empty: no check has found anything yet. */
  readonly problem: string;
}

/** The domains of the caller's workspace that need a look. */
export async function listDomainTroubles(
  { db }: AdminDeps,
  { workspaceId }: RootKeyPrincipal,
): Promise<DomainTrouble[]> {
  const rows = await listTroubledDomains(db.kysely, workspaceId, DOMAINS_MAX);
  return rows.map(({ hostname, project_slug, environment_slug, status, lost_at, findings }) => {
    const [first] = decodeIssues(findings);
    return {
      domain: hostname,
      projectSlug: project_slug,
      environmentSlug: environment_slug,
      status,
      lostAtMs: lost_at ?? undefined,
      problem: first === undefined ? "" : `${first.message} ${first.fix}`,
    };
  });
}

/** Agents without a heartbeat for so long are not shown. */
const AGENT_SHOWN_MS = 24 * 3_600_000;

/** The state of all regions, as far as it concerns the caller. */
export async function getStatus(
  { db, clock, regions: configured }: AdminDeps,
  caller: RootKeyPrincipal,
): Promise<RegionStatus[]> {
  const now = clock.now();
  const versions = await listRegionVersions(db.kysely);
  const agents = await listAgents(db.kysely, { sinceMs: now - AGENT_SHOWN_MS });
  const instances = await countInstancesByRegion(db.kysely, caller.workspaceId);
  const sentinels = await countSentinelsByRegion(db.kysely, caller.workspaceId);
  const own = await listOwnResources(
    db.kysely,
    caller.workspaceId,
    agents.flatMap(({ last_nack_resource }) => last_nack_resource ?? []),
  );
  const down = new Map((await listDownRegions(db.kysely)).map(({ region, since }) => [region, since]));
  const names = new Set([...configured, ...versions.keys(), ...agents.map(({ region }) => region)]);
  const regions = [...names].sort().map((region) => {
    const here = agents.filter((agent) => agent.region === region);
    const counts = instances.find((each) => each.region === region);
    const proxies = sentinels.find((each) => each.region === region);
    return {
      region,
      desiredVersion: versions.get(region) ?? 0,
      agents: here.map((agent): AgentStatus => ({
        agentId: agent.agent_id,
        appliedVersion: agent.applied_version,
        observedVersion: agent.observed_version,
        lastSeenAt: agent.last_seen_at,
        alive: now - agent.last_seen_at <= AGENT_HEARTBEAT_TIMEOUT_MS,
      })),
      lastNack: lastNack(here, own),
      desiredInstances: counts?.desired ?? 0,
      runningInstances: counts?.running ?? 0,
      refusedDeployments: counts?.refused ?? 0,
      desiredSentinels: proxies?.desired ?? 0,
      healthySentinels: proxies?.healthy ?? 0,
      silentSince: down.get(region),
    };
  });
  return await Promise.all(regions.map(async (each): Promise<RegionStatus> => {
    const applied = appliedVersion(each.agents);
    const isWaiting = applied !== undefined && applied < each.desiredVersion;
    const waitingSince = isWaiting ? await findChangeTime(db.kysely, each.region, applied) : undefined;
    return { ...each, waitingSince };
  }));
}

/** The version that the slowest live agent has applied; when all timed out, that of the latest heartbeat. */
function appliedVersion(agents: readonly AgentStatus[]): number | undefined {
  const alive = agents.filter((each) => each.alive);
  if (alive.length > 0) return Math.min(...alive.map((each) => each.appliedVersion));
  return agents.toSorted((a, b) => b.lastSeenAt - a.lastSeenAt)[0]?.appliedVersion;
}

function lastNack(agents: readonly AgentsTable[], own: ReadonlySet<string>): Nack | undefined {
  const nacks = agents.flatMap(({ last_nack_resource: resource, last_nack_error: error, last_nack_at: at }) =>
    resource === null || at === null || !own.has(resource) ? [] : [{ resource, error: error ?? "", at }]
  );
  return nacks.sort((a, b) => b.at - a.at)[0];
}
