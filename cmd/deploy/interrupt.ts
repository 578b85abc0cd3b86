import type { Client } from "@connectrpc/connect";
import { EXIT, type Process } from "../../pkg/cli/mod.ts";
import type { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { DEPLOY_EXIT } from "./exit_codes.ts";
import type { DeployResult } from "./result.ts";

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
 */
export async function interrupted(
  { client, deploymentId, process, ask }: InterruptOptions,
): Promise<Pick<DeployResult, "status" | "urls" | "exitCode" | "error">> {
  const cancel = ask && process.prompts !== undefined &&
    await process.prompts.confirm({ message: `Cancel the deployment ${deploymentId}?`, initial: false });
  if (cancel === true) {
    await client.cancelDeployment({ deploymentId });
    const message =
      "The deployment is being cancelled: what it created is undone, the previous version keeps serving.";
    return {
      status: "cancelled",
      urls: [],
      error: { code: "cancelled", message },
      exitCode: DEPLOY_EXIT.cancelled,
    };
  }
  const message =
    `Stopped watching. The deployment goes on: "unkey status ${deploymentId}" shows how far it is.`;
  return {
    status: "running",
    urls: [],
    error: { code: "interrupted", message },
    exitCode: EXIT.interrupted,
  };
}
