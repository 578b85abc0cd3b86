import { EXIT, type Process } from "../../../pkg/cli/mod.ts";
import { DEPLOY_EXIT } from "./exit_codes.ts";
import type { DeploymentClient } from "./follow.ts";
import { type End, endedWith } from "./result.ts";

export interface InterruptOptions {
  readonly client: DeploymentClient;
  readonly deploymentId: string;
  readonly process: Process;
  /** Ask, if there is a terminal to answer at. */
  readonly ask: boolean;
}

/** The effect of a Ctrl-C. `rolled_back`: the deployment was live already, and its traffic went back. */
export type Interrupted =
  | { readonly kind: "goes_on" | "cancelling" }
  | { readonly kind: "rolled_back"; readonly toDeploymentId: string };

/**
 * Ctrl-C while a deployment runs: asks whether to cancel it. Without an answer, or without a terminal, it goes on:
 * a deploy belongs to the control plane, not to the terminal that began it.
 */
export async function askToCancel(
  { client, deploymentId, process, ask }: InterruptOptions,
): Promise<Interrupted> {
  if (!ask || process.prompts === undefined) return { kind: "goes_on" };
  const question = `Cancel the deployment ${deploymentId}? Without an answer it goes on.`;
  if (await process.prompts.confirm({ message: question, initial: false }) !== true) {
    return { kind: "goes_on" };
  }
  const { rolledBack } = await client.cancelDeployment({ deploymentId });
  if (rolledBack === undefined) return { kind: "cancelling" };
  return { kind: "rolled_back", toDeploymentId: rolledBack.toDeploymentId };
}

/** The end of a deploy whose cancel came when it was live. */
export function rolledBackTo(deploymentId: string): End {
  const message = `The deployment was live already: its traffic went back to ${deploymentId}.`;
  return endedWith("ready", { code: "cancelled", message, exitCode: DEPLOY_EXIT.cancelled });
}

/** The end of a deploy that goes on without us. */
export function leftRunning(deploymentId: string): End {
  const message =
    `Stopped watching; the deployment goes on. "unkey attach ${deploymentId}" follows it again, ` +
    `"unkey cancel ${deploymentId}" ends it.`;
  return endedWith("running", { code: "interrupted", message, exitCode: EXIT.interrupted });
}
