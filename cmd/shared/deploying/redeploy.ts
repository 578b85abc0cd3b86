import { createRpcClient } from "../../../pkg/rpc/mod.ts";
import { publicFault } from "../../../pkg/fault/mod.ts";
import type { Process } from "../../../pkg/cli/mod.ts";
import { AdminService } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import {
  type Deployment,
  DeploymentService,
  DeploymentStatus,
} from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { Attempt, type AttemptOptions, type Deployments } from "./attempt.ts";
import { patiently } from "../retry_while_unavailable.ts";
import type { DeployResult } from "./result.ts";
import type { Connection } from "../connect.ts";
import { findProject } from "../find_deployment.ts";
import { projectOf } from "../project_fields.ts";

/** What to deploy again. */
export type Again =
  | { readonly kind: "deployment"; readonly id: string }
  /** What the environment serves, or else its newest deployment that got ready. */
  | { readonly kind: "environment"; readonly project: string | undefined; readonly environment: string };

/** A redeploy. */
export interface RedeployOptions extends AttemptOptions {
  readonly again: Again;
  /** The environment to deploy to, when that is another one. */
  readonly to: string | undefined;
  /** Opened inside of the attempt, so that not being logged in is a result too. */
  readonly connect: () => Promise<Connection>;
}

/** How far back a deployment that got ready is looked for. */
const LOOKED_THROUGH_MAX = 100;

/** Deploys again what was deployed before. Never throws: every end is a result. */
export async function runRedeploy(options: RedeployOptions): Promise<DeployResult> {
  const { again, to } = options;
  const attempt = new Attempt(to ?? (again.kind === "environment" ? again.environment : ""), options);
  return await attempt.execute(() => begin(options, attempt));
}

async function begin(options: RedeployOptions, attempt: Attempt): Promise<Deployments> {
  const { process, report, to } = options;
  const connection = await options.connect();
  attempt.baseUrl = connection.baseUrl;
  report.busy("connecting");
  const client = createRpcClient(DeploymentService, connection);
  const former = await patiently(process, () => findFormer(options.again, { client, connection, process }));
  report.idle();
  attempt.project = former.projectSlug;
  attempt.environment = to ?? former.environmentSlug;
  const branch = former.gitBranch === "" ? "" : `, branch ${former.gitBranch}`;
  report.line(`   again: ${former.id}${branch}`);
  await attempt.create(client, {
    redeployOf: former.id,
    ...(to === undefined ? {} : { environmentSlug: to }),
  });
  return client;
}

interface Finding {
  readonly client: Deployments;
  readonly connection: Connection;
  readonly process: Process;
}

async function findFormer(again: Again, { client, connection, process }: Finding): Promise<Deployment> {
  const { signal } = process;
  if (again.kind === "deployment") {
    const { deployment } = await client.getDeployment({ deploymentId: again.id }, { signal });
    return existing(deployment, `Deployment "${again.id}" was not found: "unkey list" shows yours.`);
  }
  const { environment: environmentSlug } = again;
  const project = again.project === undefined
    ? await projectOf(connection, undefined, process)
    : await findProject(connection, again.project);
  const admin = createRpcClient(AdminService, connection);
  const { environments } = await admin.listEnvironments({ projectId: project.id }, { signal });
  const live = environments.find(({ slug }) => slug === environmentSlug)?.liveDeploymentId ?? "";
  if (live !== "") {
    const { deployment } = await client.getDeployment({ deploymentId: live }, { signal });
    if (deployment !== undefined) return deployment;
  }
  const request = { projectId: project.id, environmentSlug, pageSize: LOOKED_THROUGH_MAX };
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
