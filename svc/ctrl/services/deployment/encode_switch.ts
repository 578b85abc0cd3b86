/** Turns switches, planned and done, into messages of `ctrl.v1`. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type RunSettingsSchema,
  SwitchPath as Wire,
  type SwitchSchema,
} from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { encodeApp } from "../../internal/deployments/app/wire.ts";
import type { SwitchPath } from "../../internal/deployments/gates.ts";
import { urlOf } from "../../internal/deployments/urls.ts";
import type { DeploymentView } from "../../internal/store/mod.ts";
import type { Switched } from "./switch.ts";
import type { ShownPlan } from "./switch_plan.ts";

type Message = MessageInitShape<typeof SwitchSchema>;

const PATH: Record<SwitchPath, Wire> = { instant: Wire.INSTANT, warm: Wire.WARM, cold: Wire.COLD };

export function encodeSwitched(switched: Switched, edgeUrl: string): Message {
  return {
    projectSlug: switched.projectSlug,
    environmentSlug: switched.environmentSlug,
    fromDeploymentId: switched.fromId,
    toDeploymentId: switched.toId,
    path: PATH[switched.path],
    rolledBack: switched.rolledBack,
    ...names(switched.hostnames, edgeUrl),
    tookMs: BigInt(switched.tookMs),
  };
}

export function encodePlan(plan: ShownPlan, edgeUrl: string): Message {
  return {
    projectSlug: plan.target.projectSlug,
    environmentSlug: plan.target.environmentSlug,
    fromDeploymentId: plan.environment.liveDeploymentId ?? "",
    toDeploymentId: plan.target.id,
    path: PATH[plan.path],
    rolledBack: plan.rolledBack,
    ...names(plan.hostnames, edgeUrl),
    ...(plan.from === undefined ? {} : { fromSettings: runSettings(plan.from) }),
    toSettings: runSettings(plan.target),
  };
}

function runSettings(
  { app, cpuMillicores, memoryMib, replicas }: DeploymentView,
): MessageInitShape<typeof RunSettingsSchema> {
  return {
    ...(Object.keys(app).length === 0 ? {} : { app: encodeApp(app) }),
    size: { cpuMillicores, memoryMib, replicas },
  };
}

function names(hostnames: readonly string[], edgeUrl: string): Pick<Message, "hostnames" | "urls"> {
  return { hostnames: [...hostnames], urls: hostnames.map((hostname) => urlOf(edgeUrl, hostname)) };
}
