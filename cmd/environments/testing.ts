import { publicFault } from "../../pkg/fault/mod.ts";
import {
  type DeleteEnvironmentRequest,
  Protection,
  type SetAppSettingsRequest,
} from "../../proto/gen/ctrl/v1/environment_pb.ts";
import {
  access,
  NOW,
  type RunOptions,
  type RunResult,
  SHOP,
  startControlPlane,
  unkey,
} from "../shared/testing.ts";

export interface EnvironmentsPlane extends AsyncDisposable {
  readonly run: (args: readonly string[], options?: RunOptions) => Promise<RunResult>;
}

export async function controlPlane(
  deletes: DeleteEnvironmentRequest[] = [],
  ends: string[] = [],
  settings: SetAppSettingsRequest[] = [],
): Promise<EnvironmentsPlane> {
  const api = await startControlPlane({
    admin: {
      listProjects: () => ({ projects: [SHOP] }),
      listEnvironments: () => ({
        environments: [
          {
            id: "env_1",
            slug: "production",
            liveDeploymentId: "d_1",
            rolledBack: true,
            size: { memoryMib: 512, cpuMillicores: 500, replicas: 2 },
            lastDeployedAt: BigInt(NOW - 3 * 3_600_000),
          },
          {
            id: "env_2",
            slug: "qa",
            description: "for QA",
            size: { memoryMib: 256, cpuMillicores: 256 },
            idleEndSeconds: 604_800n,
            protection: Protection.OWN,
            app: { port: 3000, startSeconds: 90, healthCheck: { path: "/up" } },
          },
        ],
      }),
    },
    environment: {
      setIdleEnd({ environmentSlug, seconds }) {
        ends.push(`${environmentSlug} ${seconds}`);
        return { seconds: seconds ?? 604_800n };
      },
      setAppSettings(request) {
        settings.push(request);
        return {};
      },
      setSize: () => ({}),
      getAppSettings: () => ({
        settings: settings.at(-1)?.settings ?? {},
        size: { memoryMib: 512, cpuMillicores: 500 },
      }),
      createEnvironment: ({ slug }) => ({ id: `env_${slug}` }),
      deleteEnvironment(request) {
        deletes.push(request);
        if (!request.stop) throw publicFault("failed_precondition", "still runs d_2: use --stop");
        return { stoppedDeploymentIds: ["d_2"] };
      },
    },
  });
  const run = (args: readonly string[], options: RunOptions = {}) =>
    unkey(args, { ...options, env: access(api.url) });
  return { run, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}
