import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Process } from "../../../pkg/cli/mod.ts";
import { newSecretToken } from "../../../pkg/uid/mod.ts";
import { CreateDeploymentRequestSchema } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { ClientTraceSchema } from "../../../proto/gen/ctrl/v1/trace_pb.ts";
import { retryWhileUnavailable } from "../retry_while_unavailable.ts";
import type { ClientTrace } from "./client_trace.ts";
import type { DeploymentClient } from "./follow.ts";
import type { Report } from "./report.ts";
import type { Timings } from "./result.ts";

export interface CreateOptions {
  readonly client: DeploymentClient;
  readonly process: Process;
  readonly report: Report;
  readonly timings: Timings;
  readonly trace: ClientTrace;
}

/**
 * Creates a deployment and returns its id. A create that got no answer is repeated: its key makes all of them one
 * deployment. Ctrl-C does not break off a call that is under way, or it would be unknown if there is a deployment.
 */
export async function createOnce(
  { client, process, report, timings, trace }: CreateOptions,
  request: MessageInitShape<typeof CreateDeploymentRequestSchema>,
): Promise<string> {
  const { clock } = process;
  const begunMs = clock.now();
  const keyed = create(CreateDeploymentRequestSchema, request);
  keyed.idempotencyKey = newSecretToken("deploy");
  const { deploymentId } = await retryWhileUnavailable(process, () => {
    const attempt = { ...keyed, clientTrace: create(ClientTraceSchema, trace.message()) };
    return client.createDeployment(attempt, { headers: trace.headers });
  });
  timings.createMs = clock.now() - begunMs;
  report.created(deploymentId, timings.createMs);
  return deploymentId;
}
