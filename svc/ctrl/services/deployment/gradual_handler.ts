/** Gradual switches as messages of `ctrl.v1`. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import type { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import {
  type GradualEvidenceSchema,
  GradualState as Wire,
  type GradualSwitchSchema,
  type VersionEvidenceSchema,
} from "../../../../proto/gen/ctrl/v1/gradual_switch_pb.ts";
import { principalOf } from "../../internal/auth/principal.ts";
import {
  type Evidence,
  lastEvidence,
  percentOf,
  stepsOf,
  type VersionEvidence,
} from "../../internal/gradual/mod.ts";
import type { GradualState } from "../../internal/store/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import {
  abortGradualSwitch,
  advanceGradualSwitch,
  beginGradualSwitch,
  listGraduals,
  requireGradual,
  type ShownGradual,
} from "./gradual.ts";

type Handlers = Pick<
  ServiceImpl<typeof DeploymentService>,
  | "beginGradualSwitch"
  | "getGradualSwitch"
  | "advanceGradualSwitch"
  | "abortGradualSwitch"
  | "listGradualSwitches"
>;

export function gradualHandlers(deps: DeploymentDeps): Handlers {
  return {
    async beginGradualSwitch({ targetDeploymentId: targetId, steps, everyMs, sticky }, { values, signal }) {
      const request = { targetId, steps, everyMs: Number(everyMs), sticky };
      const begun = await beginGradualSwitch(deps, principalOf(values, "root_key"), request, signal);
      return { gradualSwitch: encodeGradual(begun) };
    },
    async getGradualSwitch({ gradualSwitchId: id }, { values }) {
      const caller = principalOf(values, "root_key");
      const found = await requireGradual(deps, caller, { id, action: "read_deployment" });
      return { gradualSwitch: encodeGradual(found) };
    },
    async advanceGradualSwitch({ gradualSwitchId: id }, { values, signal }) {
      const advanced = await advanceGradualSwitch(deps, principalOf(values, "root_key"), id, signal);
      return { gradualSwitch: encodeGradual(advanced) };
    },
    async abortGradualSwitch({ gradualSwitchId: id }, { values, signal }) {
      const aborted = await abortGradualSwitch(deps, principalOf(values, "root_key"), id, signal);
      return { gradualSwitch: encodeGradual(aborted) };
    },
    async listGradualSwitches(request, { values }) {
      const { graduals, nextPageToken } = await listGraduals(deps, principalOf(values, "root_key"), request);
      return { gradualSwitches: graduals.map(encodeGradual), nextPageToken };
    },
  };
}

const STATES: Record<GradualState, Wire> = {
  running: Wire.RUNNING,
  completed: Wire.COMPLETED,
  aborted: Wire.ABORTED,
  cancelled: Wire.CANCELLED,
  replaced: Wire.REPLACED,
};

function encodeGradual({ row, projectSlug }: ShownGradual): MessageInitShape<typeof GradualSwitchSchema> {
  const evidence = lastEvidence(row);
  return {
    id: row.id,
    projectId: row.project_id,
    projectSlug,
    environmentId: row.environment_id,
    environmentSlug: row.environment_slug,
    fromDeploymentId: row.former_deployment_id,
    toDeploymentId: row.deployment_id,
    state: STATES[row.state],
    percent: percentOf(row),
    steps: [...stepsOf(row)],
    step: row.step,
    everyMs: BigInt(row.every_ms ?? 0),
    sticky: row.is_sticky === 1,
    startedAt: BigInt(row.created_at),
    stepStartedAt: BigInt(row.step_started_at),
    endedAt: BigInt(row.ended_at ?? 0),
    reason: row.reason ?? "",
    ...(evidence === undefined ? {} : { evidence: encodeEvidence(evidence) }),
  };
}

function encodeEvidence(
  { fromMs, untilMs, next, live }: Evidence,
): MessageInitShape<typeof GradualEvidenceSchema> {
  return {
    from: BigInt(fromMs),
    until: BigInt(untilMs),
    next: encodeVersion(next),
    live: encodeVersion(live),
  };
}

function encodeVersion(
  { requests, failed, p95Ms }: VersionEvidence,
): MessageInitShape<typeof VersionEvidenceSchema> {
  return {
    requests: BigInt(requests),
    failed: BigInt(failed),
    ...(p95Ms === undefined ? {} : { p95Ms }),
  };
}
