import type { Client } from "@connectrpc/connect";
import { EXIT, type Process } from "../../pkg/cli/mod.ts";
import type { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { type End, endedWith } from "./result.ts";

/** What an interrupt needs to know. */
export interface InterruptOptions {
  readonly client: Client<typeof DeploymentService>;
  readonly deploymentId: string;
  readonly process: Process;
  /** Whether to ask when somebody is there to answer. */
  readonly ask: boolean;
}

/**
 * Ctrl-C while a deployment runs: asks whether to cancel it. Without an answer, or without anybody to ask, it goes on:
 * a deploy belongs to the control plane, not to the terminal that began it.
 *
 * @returns whether it is being cancelled now
 */
export async function askToCancel(
  { client, deploymentId, process, ask }: InterruptOptions,
): Promise<boolean> {
  if (!ask || process.prompts === undefined) return false;
  const question = `Cancel the deployment ${deploymentId}? Without an answer it goes on.`;
  if (await process.prompts.confirm({ message: question, initial: false }) !== true) return false;
  await client.cancelDeployment({ deploymentId });
  return true;
}

/** The end of a deploy that goes on without us. */
export function leftRunning(deploymentId: string): End {
  const message =
    `Stopped watching; the deployment goes on. "unkey status ${deploymentId}" shows how far it is, ` +
    `"unkey logs ${deploymentId} --follow" what it prints.`;
  return endedWith("running", { code: "interrupted", message, exitCode: EXIT.interrupted });
}
