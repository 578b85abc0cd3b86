import type { Process } from "../../pkg/cli/mod.ts";
import type { ConfigOf } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { connect, type CONNECT_FIELDS } from "../shared/connect.ts";
import { type ATTACH_FIELDS, followSettings } from "../shared/deploying/follow_fields.ts";
import { DeployOutcome } from "../shared/deploying/outcome.ts";
import type { Report } from "../shared/deploying/report.ts";
import type { DeployResult } from "../shared/deploying/result.ts";
import { waitForEnd } from "../shared/deploying/wait_for_end.ts";
import { findDeployment } from "../shared/find_deployment.ts";
import type { ENVIRONMENT_FILTER_FIELD } from "../shared/project_fields.ts";
import { retryWhileUnavailable } from "../shared/retry_while_unavailable.ts";

export interface AttachOptions {
  /** A deployment's id, or a project's slug for its newest one. */
  readonly word: string;
  readonly config: ConfigOf<
    typeof CONNECT_FIELDS & typeof ATTACH_FIELDS & { readonly environment: typeof ENVIRONMENT_FILTER_FIELD }
  >;
  readonly process: Process;
  readonly report: Report;
}

/** Follows a deployment to its end. Never throws: every end is a result. */
export async function runAttach({ word, config, process, report }: AttachOptions): Promise<DeployResult> {
  const { environment, wait } = config;
  const { timeoutMs, ask } = followSettings(config);
  const outcome = new DeployOutcome(environment ?? "", process);
  const { timings } = outcome;
  try {
    const connection = await connect(config, process);
    outcome.baseUrl = connection.baseUrl;
    report.busy("connecting");
    const find = () => findDeployment(connection, { word, environment }, process.signal);
    const found = await retryWhileUnavailable(process, find);
    report.idle();
    outcome.project = found.projectSlug;
    outcome.environment = found.environmentSlug;
    outcome.deploymentId = found.id;
    if (word !== found.id) report.line(`   ${found.id}, the newest of ${found.projectSlug}`);
    const client = createRpcClient(DeploymentService, connection);
    const following = { client, deploymentId: found.id, process, report, timings, wait, timeoutMs, ask };
    return outcome.ended(await waitForEnd(following));
  } catch (error) {
    return outcome.failed(error);
  }
}
