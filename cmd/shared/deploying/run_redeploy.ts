import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Process } from "../../../pkg/cli/mod.ts";
import { publicFault } from "../../../pkg/fault/mod.ts";
import { createRpcClient } from "../../../pkg/rpc/mod.ts";
import { AdminService } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import {
  type Deployment,
  DeploymentService,
  DeploymentStatus,
  type SizeSchema,
} from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { GradualSettingsSchema } from "../../../proto/gen/ctrl/v1/gradual_switch_pb.ts";
import type { Connection } from "../connect.ts";
import { findProject } from "../find_deployment.ts";
import { projectOf } from "../project_fields.ts";
import { retryWhileUnavailable } from "../retry_while_unavailable.ts";
import { createOnce } from "./create_once.ts";
import type { DeploymentClient } from "./follow.ts";
import type { FollowSettings } from "./follow_fields.ts";
import { CREATED, DeployOutcome } from "./outcome.ts";
import type { Report } from "./report.ts";
import type { DeployResult } from "./result.ts";
import { waitForEnd } from "./wait_for_end.ts";

/** The deployment to deploy again. */
export type Former =
  | { readonly kind: "deployment"; readonly id: string }
  /** The live deployment of the environment, else its newest one that got ready. */
  | { readonly kind: "environment"; readonly project: string | undefined; readonly environment: string };

export interface RedeployOptions extends FollowSettings {
  readonly former: Former;
  /** The environment to deploy to, when that is another one. */
  readonly to: string | undefined;
  /** Of the new deployment; `undefined`: the environment's. */
  readonly size?: MessageInitShape<typeof SizeSchema> | undefined;
  /** Settings of the steps in which its environment's requests move to it; `undefined`: at once. */
  readonly gradual?: MessageInitShape<typeof GradualSettingsSchema> | undefined;
  /** Called inside, so that a missing login is a result too. */
  readonly connect: () => Promise<Connection>;
  readonly process: Process;
  readonly report: Report;
}

/** Deployments at most that are searched for one that got ready. */
const SEARCHED_MAX = 100;

/** Creates a deployment like a former one. Never throws: every end is a result. */
export async function runRedeploy(options: RedeployOptions): Promise<DeployResult> {
  const { to, size, gradual, process, report, wait, timeoutMs, ask } = options;
  const outcome = new DeployOutcome(to ?? environmentOf(options.former), process);
  const { timings, trace } = outcome;
  try {
    const connection = await options.connect();
    outcome.baseUrl = connection.baseUrl;
    report.busy("connecting");
    const client = createRpcClient(DeploymentService, connection);
    const look = { client, connection, process };
    const former = await trace.during(
      "connect",
      () => retryWhileUnavailable(process, () => findFormer(options.former, look)),
    );
    report.idle();
    outcome.project = former.projectSlug;
    outcome.environment = to ?? former.environmentSlug;
    report.line(
      `   redeploying ${former.id}${former.gitBranch === "" ? "" : `, branch ${former.gitBranch}`}`,
    );
    const deploymentId = await createOnce({ client, process, report, timings, trace }, {
      redeployOf: former.id,
      ...(to === undefined ? {} : { environmentSlug: to }),
      ...(size === undefined ? {} : { size }),
      ...(gradual === undefined ? {} : { gradual }),
    });
    outcome.deploymentId = deploymentId;
    if (wait === "none") return outcome.ended(CREATED);
    const following = { client, deploymentId, process, report, timings, wait, timeoutMs, ask };
    return outcome.ended(await waitForEnd(following));
  } catch (error) {
    return outcome.failed(error);
  }
}

/** Known before the control plane is called; empty for a deployment's id. */
function environmentOf(former: Former): string {
  return former.kind === "environment" ? former.environment : "";
}

interface Look {
  readonly client: DeploymentClient;
  readonly connection: Connection;
  readonly process: Process;
}

async function findFormer(former: Former, { client, connection, process }: Look): Promise<Deployment> {
  const { signal } = process;
  if (former.kind === "deployment") {
    const { deployment } = await client.getDeployment({ deploymentId: former.id }, { signal });
    return existing(deployment, `Deployment "${former.id}" was not found: "unkey list" shows yours.`);
  }
  const { environment: environmentSlug } = former;
  const project = former.project === undefined
    ? await projectOf(connection, undefined, process)
    : await findProject(connection, former.project, signal);
  const admin = createRpcClient(AdminService, connection);
  const { environments } = await admin.listEnvironments({ projectId: project.id }, { signal });
  const live = environments.find(({ slug }) => slug === environmentSlug)?.liveDeploymentId ?? "";
  if (live !== "") {
    const { deployment } = await client.getDeployment({ deploymentId: live }, { signal });
    if (deployment !== undefined) return deployment;
  }
  const request = { projectId: project.id, environmentSlug, pageSize: SEARCHED_MAX };
  const { deployments } = await client.listDeployments(request, { signal });
  return existing(
    deployments.find(({ status }) => status === DeploymentStatus.READY),
    `There is nothing in the environment "${environmentSlug}" of ${project.slug} that could be deployed again: ` +
      '"unkey deploy" makes the first deployment.',
  );
}

function existing(deployment: Deployment | undefined, otherwise: string): Deployment {
  if (deployment === undefined) throw publicFault("not_found", otherwise);
  return deployment;
}
