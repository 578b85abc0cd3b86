import type { SetEnvironmentVariablesRequest } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import type { CreateDeploymentRequest } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { DeploymentStatus } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import {
  access,
  deploymentOf,
  NOW,
  type RunOptions,
  type RunResult,
  SHOP,
  startControlPlane,
  unkey,
} from "../shared/testing.ts";

export interface VariablesPlane extends AsyncDisposable {
  readonly sets: readonly SetEnvironmentVariablesRequest[];
  readonly creates: readonly CreateDeploymentRequest[];
  readonly run: (args: readonly string[], options?: RunOptions) => Promise<RunResult>;
}

/** `live`: the deployment that the environment serves; empty for none. */
export async function controlPlane(live = "d_1"): Promise<VariablesPlane> {
  const sets: SetEnvironmentVariablesRequest[] = [];
  const creates: CreateDeploymentRequest[] = [];
  const names = new Set(["OLD", "TOKEN"]);
  const api = await startControlPlane({
    admin: {
      listProjects: () => ({ projects: [SHOP] }),
      listEnvironments: () => ({ environments: [{ slug: "preview", liveDeploymentId: live }] }),
      setEnvironmentVariables(request) {
        sets.push(request);
        return {};
      },
      removeEnvironmentVariable: ({ key }) => ({ removed: names.delete(key) }),
      listEnvironmentVariables: () => ({
        variables: [...names].map((key, at) => ({ key, updatedAt: BigInt(NOW - (at + 1) * 60_000) })),
      }),
    },
    deployment: {
      createDeployment(request) {
        creates.push(request);
        return { deploymentId: "d_2", status: DeploymentStatus.PENDING };
      },
      getDeployment: ({ deploymentId }) => ({
        deployment: deploymentOf({ id: deploymentId, environmentSlug: "preview" }),
      }),
      listDeployments: () => ({ deployments: [] }),
      async *watchDeploymentEvents() {},
    },
  });
  const run = (args: readonly string[], options: RunOptions = {}) =>
    unkey(["variables", ...args], { ...options, env: { ...access(api.url), ...options.env } });
  return { sets, creates, run, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}
