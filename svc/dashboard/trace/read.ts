import { Code, ConnectError } from "@connectrpc/connect";
import type { DeploymentTrace } from "../../../proto/gen/ctrl/v1/trace_pb.ts";
import type { Api } from "../api/clients.ts";

/** The trace of a deployment; `undefined` for one that was made before the platform kept them. */
export async function readTrace(
  api: Pick<Api, "deployments">,
  deploymentId: string,
  options: { readonly signal: AbortSignal },
): Promise<DeploymentTrace | undefined> {
  try {
    return (await api.deployments.getDeploymentTrace({ deploymentId }, options)).trace;
  } catch (error) {
    if (ConnectError.from(error).code === Code.FailedPrecondition) return undefined;
    throw error;
  }
}
