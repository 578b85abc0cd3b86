/** The progress of each region's agents with the desired state. */
import type { AgentStatus, RegionStatus } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { age, oneLine, table } from "../shared/output.ts";

/** A region in the JSON of `status`. Versions count changes; times are milliseconds since the epoch. */
export interface RegionJson {
  /** `*` is the region of the edges. */
  readonly region: string;
  /** Version of the desired state. */
  readonly desired: number;
  /** Version that the slowest live agent has applied; absent without any agent. */
  readonly applied?: number;
  /** The highest version that the slowest live agent has received. */
  readonly observed?: number;
  /** Changes that the region has not applied yet. */
  readonly lag?: number;
  /** When the oldest of them was made; absent also when it is too long ago to be known. */
  readonly waitingSince?: number;
  /** Start of the time in which the region is out of routing, because no agent of it sends heartbeats. */
  readonly silentSince?: number;
  readonly agents: readonly {
    readonly id: string;
    readonly alive: boolean;
    readonly applied: number;
    readonly observed: number;
    readonly lastSeenAt: number;
  }[];
  readonly instances: { readonly desired: number; readonly running: number };
  /** Deployments that the region refuses to run, or has no room for; absent when there are none. */
  readonly refused?: number;
  /** Proxies of environments; absent where there are none. */
  readonly sentinels?: { readonly desired: number; readonly healthy: number };
  readonly lastNack?: { readonly resource: string; readonly error: string; readonly at: number };
}

/** A region is as far as the slowest of its live agents; without a live agent, as the last one that was. */
export function regionJson(status: RegionStatus): RegionJson {
  const desired = Number(status.desiredVersion);
  const counted = countedAgents(status.agents);
  const applied = slowest(counted, (agent) => agent.appliedVersion);
  const observed = slowest(counted, (agent) => agent.observedVersion);
  return {
    region: status.region,
    desired,
    ...(applied === undefined ? {} : { applied, lag: Math.max(0, desired - applied) }),
    ...(observed === undefined ? {} : { observed }),
    ...(status.waitingSince === 0n ? {} : { waitingSince: Number(status.waitingSince) }),
    ...(status.silentSince === 0n ? {} : { silentSince: Number(status.silentSince) }),
    agents: status.agents.map((each) => ({
      id: each.agentId,
      alive: each.alive,
      applied: Number(each.appliedVersion),
      observed: Number(each.observedVersion),
      lastSeenAt: Number(each.lastSeenAt),
    })),
    instances: { desired: status.desiredInstances, running: status.runningInstances },
    ...(status.refusedDeployments === 0 ? {} : { refused: status.refusedDeployments }),
    ...(status.desiredSentinels === 0 ? {} : {
      sentinels: { desired: status.desiredSentinels, healthy: status.healthySentinels },
    }),
    ...(status.lastNackAt === 0n ? {} : {
      lastNack: {
        resource: status.lastNackResource,
        error: status.lastNackError,
        at: Number(status.lastNackAt),
      },
    }),
  };
}

function countedAgents(agents: readonly AgentStatus[]): readonly AgentStatus[] {
  const alive = agents.filter((each) => each.alive);
  if (alive.length > 0) return alive;
  return agents.toSorted((a, b) => Number(b.lastSeenAt - a.lastSeenAt)).slice(0, 1);
}

function slowest(
  agents: readonly AgentStatus[],
  version: (agent: AgentStatus) => bigint,
): number | undefined {
  return agents.length === 0 ? undefined : Math.min(...agents.map((each) => Number(version(each))));
}

/** A line for each region, and below them the last refusals. */
export function regionsText(regions: readonly RegionJson[], nowMs: number): string {
  const rows = regions.map((each) => [
    each.region === "*" ? "* (edges)" : each.region,
    String(each.desired),
    text(each.applied),
    text(each.observed),
    lagText(each, nowMs),
    agentsText(each, nowMs),
    each.region === "*" ? "" : `${each.instances.running}/${each.instances.desired}`,
    each.lastNack === undefined ? "" : `${each.lastNack.resource} ${age(each.lastNack.at, nowMs)} ago`,
  ]);
  const titles = ["REGION", "DESIRED", "APPLIED", "OBSERVED", "LAG", "AGENTS", "RUNNING", "LAST NACK"];
  const nacks = regions.flatMap(({ region, lastNack }) =>
    lastNack === undefined
      ? []
      : [`${region} could not apply ${lastNack.resource}: ${oneLine(lastNack.error)}\n`]
  );
  const silent = regions.flatMap(({ region, silentSince }) =>
    silentSince === undefined ? [] : [
      `${region} has been down for ${
        age(silentSince, nowMs)
      }: none of its agents sends heartbeats, edges prefer instances elsewhere\n`,
    ]
  );
  const closed = regions.flatMap(({ region, sentinels }) =>
    sentinels === undefined || sentinels.healthy >= sentinels.desired
      ? []
      : [`${region} has ${sentinels.healthy} of ${sentinels.desired} sentinels that take requests\n`]
  );
  const refusing = regions.flatMap(({ region, refused }) =>
    refused === undefined ? [] : [
      `${region} does not run ${refused === 1 ? "1 deployment" : `${refused} deployments`}: ` +
      '"unkey status <deployment>" says why\n',
    ]
  );
  const notes = [...silent, ...refusing, ...closed, ...nacks];
  return `${table(titles, rows)}${notes.length === 0 ? "" : "\n"}${notes.join("")}`;
}

function lagText({ lag, waitingSince }: RegionJson, nowMs: number): string {
  return waitingSince === undefined ? text(lag) : `${lag} for ${age(waitingSince, nowMs)}`;
}

function agentsText({ agents }: RegionJson, nowMs: number): string {
  const alive = agents.filter((each) => each.alive).length;
  if (agents.length === 0) return "none";
  if (alive > 0) return `${alive} alive`;
  return `silent for ${age(Math.max(...agents.map((each) => each.lastSeenAt)), nowMs)}`;
}

function text(value: number | undefined): string {
  return value === undefined ? "" : String(value);
}
