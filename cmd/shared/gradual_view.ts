/** A gradual switch as commands print it. */
import {
  type GradualEvidence,
  GradualState,
  type GradualSwitch,
  type VersionEvidence,
} from "../../proto/gen/ctrl/v1/gradual_switch_pb.ts";
import { oneLine } from "./output.ts";

interface VersionJson {
  readonly requests: number;
  readonly failed: number;
  readonly p95Ms?: number;
}

/** A gradual switch in the JSON of commands. Times are milliseconds. */
export interface GradualJson {
  readonly id: string;
  readonly project: string;
  readonly environment: string;
  readonly from: string;
  readonly to: string;
  /** `running`, `completed`, `aborted`, `cancelled` or `replaced` */
  readonly state: string;
  /** The share of the requests that `to` gets. */
  readonly percent: number;
  readonly steps: readonly number[];
  readonly step: number;
  /** Absent: each step is ordered by hand. */
  readonly everyMs?: number;
  readonly sticky: boolean;
  readonly startedAt: number;
  readonly stepStartedAt: number;
  readonly endedAt?: number;
  /** Why it ended. */
  readonly reason?: string;
  readonly evidence?: {
    readonly from: number;
    readonly until: number;
    readonly next: VersionJson;
    readonly live: VersionJson;
  };
}

const STATES: Readonly<Record<number, string>> = {
  [GradualState.RUNNING]: "running",
  [GradualState.COMPLETED]: "completed",
  [GradualState.ABORTED]: "aborted",
  [GradualState.CANCELLED]: "cancelled",
  [GradualState.REPLACED]: "replaced",
};

export function gradualJson(given: GradualSwitch): GradualJson {
  const { evidence } = given;
  return {
    id: given.id,
    project: given.projectSlug,
    environment: given.environmentSlug,
    from: given.fromDeploymentId,
    to: given.toDeploymentId,
    state: STATES[given.state] ?? "unknown",
    percent: given.percent,
    steps: given.steps,
    step: given.step,
    ...(given.everyMs === 0n ? {} : { everyMs: Number(given.everyMs) }),
    sticky: given.sticky,
    startedAt: Number(given.startedAt),
    stepStartedAt: Number(given.stepStartedAt),
    ...(given.endedAt === 0n ? {} : { endedAt: Number(given.endedAt) }),
    ...(given.reason === "" ? {} : { reason: given.reason }),
    ...(evidence === undefined ? {} : { evidence: evidenceJson(evidence) }),
  };
}

function evidenceJson({ from, until, next, live }: GradualEvidence): NonNullable<GradualJson["evidence"]> {
  return { from: Number(from), until: Number(until), next: versionJson(next), live: versionJson(live) };
}

function versionJson(version: VersionEvidence | undefined): VersionJson {
  return {
    requests: Number(version?.requests ?? 0n),
    failed: Number(version?.failed ?? 0n),
    ...(version?.p95Ms === undefined ? {} : { p95Ms: version.p95Ms }),
  };
}

/** One line: the share, the step, and the evidence so far. */
export function gradualText(gradual: GradualJson): string {
  const { to, from, percent, step, steps, state, reason = "", evidence } = gradual;
  if (state !== "running") return oneLine(`${state}: ${reason}`);
  const seen = evidence === undefined || evidence.next.requests === 0
    ? "no requests counted yet"
    : `failed: ${versionText(evidence.next)}, of the live version ${versionText(evidence.live)}`;
  return `${percent} % of the requests go to ${to}, the others to ${from} (step ${step + 1} of ${
    steps.length + 1
  }); ${seen}`;
}

function versionText({ requests, failed, p95Ms }: VersionJson): string {
  const share = (100 * failed / Math.max(1, requests)).toFixed(1);
  const p95 = p95Ms === undefined ? "" : `, p95 ${Math.round(p95Ms)} ms`;
  return `${share} % of ${requests.toLocaleString("en-US")}${p95}`;
}
