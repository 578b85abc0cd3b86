/** The effect of a build as its workflow sees it. */
import type { FailedBuild } from "./plan.ts";

/** One build as the journal keeps it: no secret is in it. */
export interface BuildJob {
  readonly deploymentId: string;
  readonly workspaceId: string;
  readonly projectId: string;
  readonly contextPath: string;
  readonly dockerfile: string;
}

export type BuildReport =
  | { readonly kind: "built"; readonly image: string; readonly buildId: string }
  | FailedBuild;

/** The effects that the build workflow orders. */
export interface BuildSteps {
  /**
   * Builds and streams the output into the deployment's events.
   *
   * @throws `cancelled` when the deployment is not building any more
   */
  build(job: BuildJob, deadlineMs: number, signal: AbortSignal): Promise<BuildReport>;
}
