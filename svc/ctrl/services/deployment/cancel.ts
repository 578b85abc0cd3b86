import { transact } from "../../../../pkg/db/mod.ts";
import { Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import { requireInProject } from "../../internal/auth/permissions.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { cancelAct } from "../../internal/deployments/gates.ts";
import type { DeploymentStatus } from "../../internal/deployments/status.ts";
import {
  type DeploymentView,
  findPreviousLive,
  findStart,
  recordAudit,
  requestCancel,
} from "../../internal/store/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";
import { rollback } from "./rollback.ts";
import type { Switched } from "./switch.ts";

export interface Cancelled {
  /** The status at the call; later ones are events. */
  readonly status: DeploymentStatus;
  /** The switch of its traffic, when the deployment was live already. */
  readonly rolledBack?: Switched;
}

/** The second look finds what won a race with the first; a third is a bug. */
const ROUNDS_MAX = 3;

/**
 * Asks a deployment's workflow to stop and undo itself; once it is live, moves its traffic back to what was live before.
 * Repeating it is harmless.
 *
 * @throws `failed_precondition` for a ready deployment that cannot be cancelled any more, `unavailable` when the workflow
 * cannot be reached (the request is recorded all the same)
 */
export async function cancelDeployment(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  deploymentId: string,
  signal: AbortSignal,
): Promise<Cancelled> {
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const deployment = await requireDeployment(deps, caller, {
      id: deploymentId,
      action: "cancel_deployment",
    });
    const { status, live, cancelRequested } = deployment;
    const act = cancelAct(deployment, { live, cancelRequested });
    switch (act.kind) {
      case "nothing":
        return { status };
      case "refused":
        throw publicFault(act.refusal.code, act.refusal.message);
      case "roll_back":
        return { status, rolledBack: await rollBack(deps, caller, deployment, signal) };
      case "stop_workflow":
        if (await stopWorkflow(deps, caller, deployment, signal)) return { status };
    }
  }
  throw new Fault("internal", `${deploymentId} was active and final in turns`);
}

/** False when the deployment turned ready before the request was recorded: then a cancel means something else. */
async function stopWorkflow(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  deployment: DeploymentView,
  signal: AbortSignal,
): Promise<boolean> {
  const { db, workflows, events } = deps;
  const id = parseId("deployment", "deployment_id", deployment.id);
  const recorded = await recordRequest(deps, caller, deployment);
  if (!recorded && (await deps.reader.find(id, caller.workspaceId))?.status === "ready") return false;
  const startId = await findStart(db.kysely, id);
  if (startId === undefined) {
    // Submitting again is harmless, and without it the cancel could arrive before the workflow.
    await workflows.submitDeploy(id, signal);
    await workflows.cancelDeploy(id, signal);
  } else await workflows.cancelStart(parseId("start", "start_id", startId), signal);
  events.changed();
  return true;
}

/** Records the request, which the transaction that moves traffic reads. */
async function recordRequest(
  { db, clock }: DeploymentDeps,
  caller: RootKeyPrincipal,
  { id, status, projectId, environmentId }: DeploymentView,
): Promise<boolean> {
  const nowMs = clock.now();
  return await transact(db, async (tx) => {
    if (!await requestCancel(tx, { id, nowMs })) return false;
    await recordAudit(tx, {
      workspaceId: caller.workspaceId,
      actor: actorOf(caller),
      action: "deployment.cancel",
      resource: { type: "deployment", id },
      projectId,
      environmentId,
      facts: { status },
      nowMs,
    });
    return true;
  });
}

async function rollBack(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  { id, projectId, environmentId }: DeploymentView,
  signal: AbortSignal,
): Promise<Switched> {
  requireInProject(caller, "rollback_deployment", projectId);
  if (await findPreviousLive(deps.db.kysely, environmentId, id) === undefined) {
    throw publicFault(
      "failed_precondition",
      `Deployment ${id} is live, and nothing was live before it that its traffic could go back to. Deploy another one.`,
    );
  }
  const request = { sourceId: id, targetId: "", projectId: "", environmentSlug: "", cancels: true };
  return await rollback(deps, caller, request, signal);
}
