/** Plans as messages of `ctrl.v1` have them. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type EnvironmentPlanSchema,
  PlannedAction,
  PlannedEffect,
  type WantedEnvironment,
} from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { decodeApp } from "../../internal/deployments/app/wire.ts";
import { invalid } from "../../internal/validate/mod.ts";
import type { Action, Effect } from "./plan.ts";
import type { Planned } from "./plan_environment.ts";
import type { WireWanted } from "./wanted.ts";

const ACTIONS: Readonly<Record<Action, PlannedAction>> = {
  none: PlannedAction.UNSPECIFIED,
  set: PlannedAction.SET,
  remove: PlannedAction.REMOVE,
};
const EFFECTS: Readonly<Record<Effect, PlannedEffect>> = {
  none: PlannedEffect.UNSPECIFIED,
  at_once: PlannedEffect.AT_ONCE,
  redeploy: PlannedEffect.REDEPLOY,
  deploy: PlannedEffect.DEPLOY,
};

/** @throws `invalid_argument` where nothing is wanted */
export function decodeWanted(message: WantedEnvironment | undefined): WireWanted {
  if (message === undefined) throw invalid("wanted", "is required");
  const { idleEndSeconds, settings, size } = message;
  return {
    ...message,
    size,
    settings: decodeApp(settings),
    idleEndSeconds: idleEndSeconds === undefined ? undefined : Number(idleEndSeconds),
  };
}

export function encodePlan(
  { plan: { changes }, fingerprint, rows: { live } }: Planned,
): MessageInitShape<typeof EnvironmentPlanSchema> {
  return {
    changes: changes.map(({ setting, live: runs, stored, wanted, action, effect }) => ({
      setting,
      ...(runs === undefined ? {} : { live: runs }),
      ...(stored === undefined ? {} : { stored }),
      ...(wanted === undefined ? {} : { wanted }),
      action: ACTIONS[action],
      effect: EFFECTS[effect],
    })),
    fingerprint,
    liveDeploymentId: live?.id ?? "",
  };
}
