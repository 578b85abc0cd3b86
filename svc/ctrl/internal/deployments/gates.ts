/**
 * Which operations a deployment's state allows. Each gate returns the first reason against it in words for the user, or
 * `undefined`. The API asks before it starts a workflow and the workflow asks again at its own time.
 */
import { type DeploymentStatus, isFinal } from "./status.ts";

/** Facts about a deployment for the gates. */
export interface GatedDeployment {
  readonly id: string;
  readonly projectId: string;
  readonly environmentId: string;
  readonly status: DeploymentStatus;
  /** Instances that run now, over all regions. */
  readonly runningInstances: number;
  /** Its image is no longer kept. */
  readonly imageRemoved: boolean;
  /** Empty when it is not known. */
  readonly gitCommitSha: string;
}

/** Facts about an environment for the gates. */
export interface GatedEnvironment {
  readonly id: string;
  readonly slug: string;
  readonly liveDeploymentId: string | undefined;
  readonly rolledBack: boolean;
}

/** Why not. `invalid_argument`: no state of the deployments would allow it. */
export interface Refusal {
  readonly code: "invalid_argument" | "failed_precondition";
  readonly message: string;
}

/**
 * The way of a deployment to traffic: `instant` when it runs, `warm` when it should run and none of its instances
 * does at the moment, `cold` when it is stopped and has to be started.
 */
export type SwitchPath = "instant" | "warm" | "cold";

/** Decides if `target` may become the live deployment of its environment, running or not. */
export function promoteRefusal(target: GatedDeployment, environment: GatedEnvironment): Refusal | undefined {
  if (target.environmentId !== environment.id) {
    return wrong(
      `Deployment ${target.id} belongs to another environment than "${environment.slug}": ` +
        "a promote never moves a deployment from one environment to another.",
    );
  }
  const live = environment.liveDeploymentId;
  if (live === undefined) {
    return no(
      `Environment "${environment.slug}" has no live deployment yet: the next deployment that turns ready goes live.`,
    );
  }
  if (isConfirmation(target, environment)) return undefined;
  if (target.id === live) return no(`Deployment ${target.id} is live already.`);
  return undefined;
}

/** A rolled-back environment accepts its live deployment by a promote: no traffic moves. */
export function isConfirmation({ id }: Pick<GatedDeployment, "id">, environment: GatedEnvironment): boolean {
  return environment.rolledBack && environment.liveDeploymentId === id;
}

/** Decides if live traffic may move back from `source` to `target`, running or not. */
export function rollbackRefusal(
  source: GatedDeployment,
  target: GatedDeployment,
  environment: GatedEnvironment,
): Refusal | undefined {
  if (source.id === target.id) {
    return wrong("Source and target are the same deployment: name an earlier one as the target.");
  }
  if (source.projectId !== target.projectId) {
    return wrong("Source and target belong to different projects.");
  }
  if (source.environmentId !== target.environmentId) {
    return wrong("Source and target belong to different environments.");
  }
  if (source.environmentId !== environment.id) return wrong("The deployments belong to another environment.");
  if (source.id !== environment.liveDeploymentId) {
    const live = environment.liveDeploymentId ?? "none";
    return no(`Deployment ${source.id} is not the live one of "${environment.slug}": that is ${live}.`);
  }
  return undefined;
}

/** True when the deployment can take live traffic at this moment. */
export function servingRefusal(target: GatedDeployment): Refusal | undefined {
  if (target.status !== "ready") {
    return no(`Deployment ${target.id} is ${target.status}: only a ready deployment can take live traffic.`);
  }
  if (target.runningInstances > 0) return undefined;
  return no(`No instance of deployment ${target.id} is running: deploy it again, or choose another one.`);
}

/** The way of the deployment to live traffic, or the reason why there is none. */
export function switchPath(target: GatedDeployment): SwitchPath | Refusal {
  if (target.status === "stopped") return imageRefusal(target) ?? "cold";
  if (target.status === "ready") return target.runningInstances > 0 ? "instant" : "warm";
  return no(
    isFinal(target.status)
      ? `Deployment ${target.id} is ${target.status}: only one that was ready can take live traffic. Deploy it again.`
      : `Deployment ${target.id} is ${target.status}: it can take live traffic as soon as it is ready.`,
  );
}

/** Why nothing of an environment that was deleted takes traffic or starts. */
export function goneRefusal(): Refusal {
  return no("The deployment's environment was deleted: its deployments are history. Deploy to another one.");
}

type Imaged = Pick<GatedDeployment, "id" | "imageRemoved" | "gitCommitSha">;

/** Text for a deployment whose image is gone: the reason, and a way out. */
function imageRefusal({ id, imageRemoved, gitCommitSha: sha }: Imaged): Refusal | undefined {
  if (!imageRemoved) return undefined;
  const instead = sha === ""
    ? 'Deploy the same source again: "unkey deploy" builds it anew.'
    : `Deploy its commit again: "git checkout ${sha}", then "unkey deploy".`;
  return no(
    `The image of deployment ${id} was removed: those of the newest deployments are kept, and this one is older. ${instead}`,
  );
}

/** Decides if the deployment's image can be deployed once more. */
export function redeployRefusal(target: Imaged & { readonly image: string }): Refusal | undefined {
  if (target.image !== "") return imageRefusal(target);
  return no(`Deployment ${target.id} has no image that could run again: "unkey deploy" builds one.`);
}

/** Decides if the deployment can be started. A ready deployment needs no start and passes. */
export function startRefusal(target: Imaged & Pick<GatedDeployment, "status">): Refusal | undefined {
  const { id, status } = target;
  if (status === "ready") return undefined;
  if (status === "stopped") return imageRefusal(target);
  return no(
    isFinal(status)
      ? `Deployment ${id} is ${status} and was never ready: there is nothing to start. Deploy it again.`
      : `Deployment ${id} is ${status}: it is about to run anyway.`,
  );
}

/** The traffic of a deployment that is to stop. */
export interface StopFacts {
  /** Names that lead to it besides its own. */
  readonly serves: readonly string[];
  /** Production serves it. */
  readonly isProduction: boolean;
  /** The caller knows that it serves, and wants it stopped all the same. */
  readonly confirmed: boolean;
}

/** Decides if the deployment can be stopped. Whatever production serves cannot; a preview can, when that is meant. */
export function stopRefusal(
  { id, status }: Pick<GatedDeployment, "id" | "status">,
  { serves, isProduction, confirmed }: StopFacts,
): Refusal | undefined {
  if (status === "stopped") return undefined;
  if (status !== "ready") {
    return no(
      isFinal(status)
        ? `Deployment ${id} is ${status}: nothing of it runs.`
        : `Deployment ${id} is ${status}: "unkey cancel ${id}" ends it.`,
    );
  }
  const names = serves.join(", ");
  if (isProduction) {
    return no(`Deployment ${id} serves ${names}: deploy, promote or roll back to another one, then stop it.`);
  }
  if (serves.length === 0 || confirmed) return undefined;
  return no(
    `Deployment ${id} serves ${names}. "unkey stop ${id} --yes" ends it all the same.`,
  );
}

export type CancelAct =
  /** The workflow stops and takes everything back. */
  | { readonly kind: "stop_workflow" }
  /** It is live: traffic goes back to its predecessor. */
  | { readonly kind: "roll_back" }
  /** It is over: there is nothing to cancel. */
  | { readonly kind: "nothing" }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** The meaning of a cancel for a deployment in this state. */
export function cancelAct(
  { id, status }: Pick<GatedDeployment, "id" | "status">,
  facts: { readonly live: boolean; readonly cancelRequested: boolean },
): CancelAct {
  if (!isFinal(status)) return { kind: "stop_workflow" };
  if (status !== "ready") return { kind: "nothing" };
  if (facts.live) return { kind: "roll_back" };
  // An earlier cancel has moved its traffic back.
  if (facts.cancelRequested) return { kind: "nothing" };
  const message =
    `Deployment ${id} is ready and does not serve live traffic: "unkey stop ${id}" ends its instances.`;
  return { kind: "refused", refusal: no(message) };
}

function no(message: string): Refusal {
  return { code: "failed_precondition", message };
}

function wrong(message: string): Refusal {
  return { code: "invalid_argument", message };
}
