/** Acts on a deployment: which are possible, what each would do, and the same as a command. */
import { type Deployment, type Switch, SwitchPath } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { duration } from "../text/format.ts";
import { canServe, isUnderWay, statusWord } from "../text/status.ts";
import type { Api } from "./clients.ts";

/** `gradual` is a promote in steps. */
export type Act = "cancel" | "rollback" | "promote" | "gradual";

/** The time of each step, as the command line has it. */
const STEP_MS = 120_000n;

/** The acts that make sense for a deployment as it is. The server decides again. */
export function actsOf(deployment: Deployment): readonly Act[] {
  if (isUnderWay(deployment.status)) return ["cancel"];
  if (!canServe(deployment.status) || deployment.imageRemoved) return [];
  if (!deployment.live) {
    return deployment.environmentLiveDeploymentId === ""
      ? ["rollback", "promote"]
      : ["rollback", "promote", "gradual"];
  }
  return deployment.environmentRolledBack ? ["rollback", "promote"] : ["rollback"];
}

/** The button of an act. */
export function actWord(act: Act, { live }: Deployment): string {
  switch (act) {
    case "cancel":
      return "Cancel";
    case "rollback":
      return live ? "Roll back" : "Roll back to this";
    case "promote":
      return live ? "End the rollback" : "Promote";
    case "gradual":
      return "Promote in steps";
    default:
      return act satisfies never;
  }
}

/** The command that does the same. */
export function commandOf(act: Act, deployment: Deployment): string {
  if (act === "rollback" && deployment.live) {
    return `unkey rollback --project ${deployment.projectSlug} --env ${deployment.environmentSlug}`;
  }
  if (act === "gradual") return `unkey promote ${deployment.id} --gradual`;
  return `unkey ${act} ${deployment.id}`;
}

/** The plan of an act as of now. @throws when the server would refuse it */
export async function planOf(
  api: Pick<Api, "deployments">,
  act: Act,
  deployment: Deployment,
  options: { readonly signal: AbortSignal },
): Promise<Switch | undefined> {
  switch (act) {
    case "cancel":
      return undefined;
    case "rollback":
      return (await api.deployments.planRollback(rollbackRequest(deployment), options)).plan;
    case "promote":
    case "gradual":
      return (await api.deployments.planPromote({ targetDeploymentId: deployment.id }, options)).plan;
    default:
      return act satisfies never;
  }
}

/** Does it, and answers with a sentence about what happened. */
export async function perform(
  api: Pick<Api, "deployments">,
  act: Act,
  deployment: Deployment,
  options: { readonly signal: AbortSignal },
): Promise<string> {
  switch (act) {
    case "cancel": {
      const { status, rolledBack } = await api.deployments.cancelDeployment(
        { deploymentId: deployment.id },
        options,
      );
      return rolledBack === undefined ? `It is ${statusWord(status)}.` : moved(rolledBack);
    }
    case "rollback":
      return moved((await api.deployments.rollback(rollbackRequest(deployment), options)).switched);
    case "promote":
      return moved((await api.deployments.promote({ targetDeploymentId: deployment.id }, options)).switched);
    case "gradual": {
      const request = { targetDeploymentId: deployment.id, everyMs: STEP_MS };
      const { gradualSwitch } = await api.deployments.beginGradualSwitch(request, options);
      return `${deployment.id} gets ${
        gradualSwitch?.percent ?? 0
      } % of the requests. The page of the environment shows its steps.`;
    }
    default:
      return act satisfies never;
  }
}

function rollbackRequest(deployment: Deployment) {
  return deployment.live
    ? { sourceDeploymentId: deployment.id }
    : { sourceDeploymentId: deployment.environmentLiveDeploymentId, targetDeploymentId: deployment.id };
}

function moved(switched: Switch | undefined): string {
  if (switched === undefined) return "It is done.";
  return `Traffic moved to ${switched.toDeploymentId} in ${duration(Number(switched.tookMs))}.`;
}

const PATHS: Readonly<Record<SwitchPath, string>> = {
  [SwitchPath.UNSPECIFIED]: "",
  [SwitchPath.INSTANT]: "It runs: the traffic moves at once.",
  [SwitchPath.WARM]: "None of its instances runs at the moment: they are waited for.",
  [SwitchPath.COLD]: "It is stopped: it is started first, which takes as long as a start takes.",
};

/** A plan in sentences. */
export function planLines(act: Act, plan: Switch | undefined): readonly string[] {
  if (act === "cancel") {
    return ["What it has created is taken back. What was live before goes on serving."];
  }
  if (plan === undefined) return [];
  const from = plan.fromDeploymentId === "" ? "" : `from ${plan.fromDeploymentId} `;
  return [
    plan.fromDeploymentId === plan.toDeploymentId
      ? `${plan.toDeploymentId} stays live.`
      : `Traffic moves ${from}to ${plan.toDeploymentId}.`,
    ...(act === "gradual"
      ? ["It gets 10 % of the requests, 50 % after 2 min, then all. They go back if it does worse."]
      : []),
    ...(plan.hostnames.length === 0 ? [] : [`Host names: ${plan.hostnames.join(", ")}.`]),
    ...(PATHS[plan.path] === "" ? [] : [PATHS[plan.path]]),
    plan.rolledBack
      ? "New deployments do not go live until one is promoted."
      : "New deployments go live again.",
  ];
}
