/**
 * Which operations a deployment's state allows. Each gate returns the first reason against it in words for the user, or
 * `undefined`. The API asks before it starts a workflow and the workflow asks again at its own time.
 */
import { type DeploymentStatus, isFinal } from "./status.ts";

/** What gates know of a deployment. */
export interface GatedDeployment {
  readonly id: string;
  readonly projectId: string;
  readonly environmentId: string;
  readonly status: DeploymentStatus;
  /** Instances that run now, over all regions. */
  readonly runningInstances: number;
}

/** What gates know of an environment. */
export interface GatedEnvironment {
  readonly id: string;
  readonly slug: string;
  readonly liveDeploymentId: string | undefined;
  readonly rolledBack: boolean;
}

/** Whether `target` may become the live deployment of its environment. */
export function promoteProblem(target: GatedDeployment, environment: GatedEnvironment): string | undefined {
  if (target.environmentId !== environment.id) return "The deployment belongs to another environment.";
  const live = environment.liveDeploymentId;
  if (live === undefined) {
    return `Environment "${environment.slug}" has no live deployment yet: the next deployment that turns ready goes live.`;
  }
  // Promoting what is live already is how a rolled-back environment confirms it.
  if (target.id === live && !environment.rolledBack) return `Deployment ${target.id} is live already.`;
  return servingProblem(target);
}

/** Whether live traffic may move back from `source` to `target`. */
export function rollbackProblem(
  source: GatedDeployment,
  target: GatedDeployment,
  environment: GatedEnvironment,
): string | undefined {
  if (source.id === target.id) {
    return "Source and target are the same deployment: name an earlier one as the target.";
  }
  if (source.projectId !== target.projectId) return "Source and target belong to different projects.";
  if (source.environmentId !== target.environmentId) {
    return "Source and target belong to different environments.";
  }
  if (source.environmentId !== environment.id) return "The deployments belong to another environment.";
  if (source.id !== environment.liveDeploymentId) {
    const live = environment.liveDeploymentId ?? "none";
    return `Deployment ${source.id} is not the live one of "${environment.slug}": that is ${live}.`;
  }
  return servingProblem(target);
}

/** Whether the deployment may be cancelled. A final one that did not turn ready has nothing to cancel and is fine. */
export function cancelProblem({ id, status }: Pick<GatedDeployment, "id" | "status">): string | undefined {
  if (status !== "ready") return undefined;
  return `Deployment ${id} is ready and serves: roll back to another one instead of cancelling it.`;
}

/** Whether a cancel has anything to do. */
export function isCancellable(status: DeploymentStatus): boolean {
  return !isFinal(status);
}

function servingProblem(target: GatedDeployment): string | undefined {
  if (target.status !== "ready") {
    return `Deployment ${target.id} is ${target.status}: only a ready deployment can take live traffic.`;
  }
  if (target.runningInstances > 0) return undefined;
  return `No instance of deployment ${target.id} is running: deploy it again, or choose another one.`;
}
