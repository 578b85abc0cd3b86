/** The order of a build: one long step with a deadline that outlives the process. */
import type { Durable } from "../../../../pkg/durable/mod.ts";
import type { BuildJob, BuildReport, BuildSteps } from "./types.ts";

/** Infrastructure trouble is rarely over in a second, and a build is expensive. */
const BUILD_OPTIONS = { attemptsMax: 8, firstMs: 1_000, maxMs: 10_000 };

/** Builds the image. When the process dies the build starts again, within the same deadline. */
export async function buildImage(
  durable: Durable,
  steps: BuildSteps,
  { job, limitMs }: { readonly job: BuildJob; readonly limitMs: number },
): Promise<BuildReport> {
  const deadlineMs = await durable.now() + limitMs;
  return await durable.run("build image", (signal) => steps.build(job, deadlineMs, signal), BUILD_OPTIONS);
}
