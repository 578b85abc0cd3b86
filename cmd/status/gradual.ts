/** Gradual switches in `unkey status`. */
import type { Client } from "@connectrpc/connect";
import { isUnimplemented } from "../../pkg/rpc/mod.ts";
import type { Deployment, DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { type GradualJson, gradualJson, gradualText } from "../shared/gradual_view.ts";
import { table } from "../shared/output.ts";

type Look = {
  readonly client: Pick<Client<typeof DeploymentService>, "listGradualSwitches">;
  readonly signal: AbortSignal;
};

const LISTED_MAX = 100;

/** The newest one to the deployment, or the one that runs beside it; `undefined` also for an older control plane. */
export async function gradualOf(
  look: Look,
  { id, projectId, environmentSlug }: Pick<Deployment, "id" | "projectId" | "environmentSlug">,
): Promise<GradualJson | undefined> {
  const [own] = await list(look, { deploymentId: id, pageSize: 1 });
  if (own?.state === "running") return own;
  const [running] = await list(look, { projectId, environmentSlug, running: true, pageSize: 1 });
  return running?.from === id ? running : own;
}

/** All that run. */
export function runningGraduals(look: Look): Promise<readonly GradualJson[]> {
  return list(look, { running: true, pageSize: LISTED_MAX });
}

async function list(
  { client, signal }: Look,
  request: Parameters<Look["client"]["listGradualSwitches"]>[0],
): Promise<readonly GradualJson[]> {
  try {
    return (await client.listGradualSwitches(request, { signal })).gradualSwitches.map(gradualJson);
  } catch (error) {
    if (isUnimplemented(error)) return [];
    throw error;
  }
}

/** A table of those that run; empty without any. */
export function gradualsText(running: readonly GradualJson[]): string {
  if (running.length === 0) return "";
  const rows = running.map((each) => [`${each.project}/${each.environment}`, each.to, gradualText(each)]);
  return `\n${table(["GRADUAL SWITCH", "TO", "STATE"], rows)}`;
}
