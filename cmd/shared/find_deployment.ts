import { publicFault } from "../../pkg/fault/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { type Deployment, DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { resolveProject } from "./resolve_project.ts";
import type { Connection } from "./connect.ts";

/** Help of the word that `findDeployment` takes. */
export const DEPLOYMENT_WORD = "A deployment's id, or a project's slug for its newest deployment.";

export interface Wanted {
  /** An id, or a project's slug or id. */
  readonly word: string;
  /** Only of this environment; for projects. */
  readonly environment: string | undefined;
}

/** The deployment that a word on the command line means. @throws `not_found` */
export async function findDeployment(
  connection: Connection,
  { word, environment = "" }: Wanted,
  signal: AbortSignal,
): Promise<Deployment> {
  const client = createRpcClient(DeploymentService, connection);
  if (word.startsWith("d_")) {
    const { deployment } = await client.getDeployment({ deploymentId: word }, { signal });
    return existing(deployment, `Deployment "${word}" was not found: "unkey list" shows yours.`);
  }
  const project = await findProject(connection, word, signal);
  const request = { projectId: project.id, environmentSlug: environment, pageSize: 1 };
  const { deployments: [newest] } = await client.listDeployments(request, { signal });
  const where = environment === "" ? "" : ` in the environment "${environment}"`;
  return existing(
    newest,
    `Project "${project.slug}" has no deployment yet${where}: "unkey deploy" makes one.`,
  );
}

/** The project with this slug or id. @throws `not_found` that lists the projects */
export function findProject(
  connection: Connection,
  given: string,
  signal: AbortSignal,
): ReturnType<typeof resolveProject> {
  const admin = createRpcClient(AdminService, connection);
  return resolveProject(admin, { given, folder: "" }, signal);
}

function existing(deployment: Deployment | undefined, otherwise: string): Deployment {
  if (deployment === undefined) throw publicFault("not_found", otherwise);
  return deployment;
}
