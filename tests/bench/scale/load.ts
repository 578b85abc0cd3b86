/** New deployments at a steady rate, as many users create them. */
import { Secret } from "../../../pkg/config/mod.ts";
import { createRpcClient } from "../../../pkg/rpc/mod.ts";
import { DeploymentService } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { ScaleProject } from "./seed.ts";
import { pause } from "./sampler.ts";
import { NEW_IMAGE } from "./simulated_runtime.ts";
import type { ScaleSize } from "./size.ts";

/** A deployment that the api has accepted. */
export interface Accepted {
  readonly id: string;
  /** From the call to the answer. */
  readonly tookMs: number;
}

export interface LoadOptions {
  readonly url: string;
  readonly size: ScaleSize;
  readonly projects: readonly ScaleProject[];
  readonly onAccepted: (accepted: Accepted) => void;
}

const AT_ONCE_MAX = 32;
/** One in so many goes to a branch of `preview`. */
const PREVIEW_EVERY = 5;
const TRIES_MAX = 5;
const RETRY_MS = 1_000;
const CALL_MS_MAX = 60_000;

/** Creates all deployments, each with an idempotency key, and answers the calls that failed for good. */
export async function createDeployments(options: LoadOptions, signal: AbortSignal): Promise<string[]> {
  const { size, url, projects } = options;
  const clients = new Map(projects.map(({ workspace: { id, rootKey } }) => [
    id,
    createRpcClient(DeploymentService, { baseUrl: url, token: new Secret(rootKey), timeoutMs: CALL_MS_MAX }),
  ]));
  const problems: string[] = [];
  const running = new Set<Promise<void>>();
  const beganAt = performance.now();
  for (let index = 0; index < size.deploys; index++) {
    await pause(beganAt + index * 60_000 / size.deploysPerMinute - performance.now(), signal);
    signal.throwIfAborted();
    while (running.size >= AT_ONCE_MAX) await Promise.race(running);
    const project = projects[index % projects.length];
    const client = project && clients.get(project.workspace.id);
    if (project === undefined || client === undefined) throw new Error("no project to deploy");
    const call = createOne(client, { project, index, signal }).then(options.onAccepted, (error: unknown) => {
      problems.push(String(error));
    }).finally(() => running.delete(call));
    running.add(call);
  }
  await Promise.all(running);
  return problems;
}

async function createOne(
  client: ReturnType<typeof createRpcClient<typeof DeploymentService>>,
  { project, index, signal }: {
    readonly project: ScaleProject;
    readonly index: number;
    readonly signal: AbortSignal;
  },
): Promise<Accepted> {
  const branch = index % PREVIEW_EVERY === 0
    ? project.branches[Math.floor(index / PREVIEW_EVERY) % Math.max(1, project.branches.length)]
    : undefined;
  const beganAt = performance.now();
  for (let attempt = 1;; attempt++) {
    try {
      const { deploymentId } = await client.createDeployment({
        projectId: project.id,
        branch: branch ?? "main",
        environmentSlug: branch === undefined ? "production" : "preview",
        source: { case: "dockerImage", value: NEW_IMAGE },
        gitCommit: { commitSha: index.toString(16).padStart(40, "0") },
        idempotencyKey: `scale-${index}`,
      }, { signal });
      return { id: deploymentId, tookMs: performance.now() - beganAt };
    } catch (error) {
      if (attempt === TRIES_MAX || signal.aborted) throw error;
      await pause(RETRY_MS, signal);
    }
  }
}
