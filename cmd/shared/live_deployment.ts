import type { Process } from "../../pkg/cli/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import type { Connection } from "./connect.ts";
import { projectOf } from "./project_fields.ts";

/** The live deployment of an environment. */
export interface LiveDeployment {
  readonly deploymentId: string;
  /** The project's slug. */
  readonly project: string;
  readonly environment: string;
}

/** @throws `not_found` for an unknown project or environment, `failed_precondition` when nothing is live */
export async function findLiveDeployment(
  { project: given, environment }: { readonly project: string | undefined; readonly environment: string },
  connection: Connection,
  process: Pick<Process, "cwd" | "signal">,
): Promise<LiveDeployment> {
  const { signal } = process;
  const { id: projectId, slug: project } = await projectOf(connection, given, process);
  const { environments } = await createRpcClient(AdminService, connection).listEnvironments({ projectId }, {
    signal,
  });
  const found = environments.find(({ slug }) => slug === environment);
  if (found === undefined) {
    const others = environments.map(({ slug }) => slug).join(", ");
    throw publicFault("not_found", `${project} has no environment "${environment}". It has: ${others}.`);
  }
  const deploymentId = found.liveDeploymentId;
  if (deploymentId !== "") return { deploymentId, project, environment };
  throw publicFault(
    "failed_precondition",
    `Nothing is live in ${environment} of ${project}: "unkey deploy --env ${environment}" makes a deployment.`,
  );
}
