/** The effect of a build, and the narrow port to whatever builds. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { ObjectStore } from "../../../../pkg/objectstore/mod.ts";
import type { FailureCode, FailureDetails } from "../../internal/deployments/status.ts";
import type { CtrlDatabase } from "../../internal/store/mod.ts";
import { beginBuildAttempt } from "../../internal/store/worker_builds.ts";
import { BuildLogSink } from "./log_sink.ts";
import { type BuilderFailure, failureText, IMAGE_LABEL, imageName, isInstruction } from "./plan.ts";

/** What a builder tells while it works. */
export type BuilderEvent =
  | {
    readonly kind: "step";
    readonly id: string;
    readonly name: string;
    readonly status: "running" | "done" | "failed" | "cached";
  }
  | { readonly kind: "log"; readonly stepName: string; readonly lines: readonly string[] };

/** One build. */
export interface BuilderRequest {
  /** Where the builder fetches the archive; secret, since it carries a signature. */
  readonly contextUrl: string;
  readonly dockerfile: string;
  /** The image's name and tag. */
  readonly tag: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Whose builds may see what instructions cache. */
  readonly cacheNamespace: string;
  readonly buildId: string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: BuilderEvent) => void;
}

export type BuilderOutcome =
  | { readonly kind: "built"; readonly image: string }
  | { readonly kind: "failed" } & BuilderFailure;

/** Builds images, and brings them to where they are pulled from. What the user can mend is an outcome; trouble of the platform is thrown. */
export interface Builder {
  build(request: BuilderRequest): Promise<BuilderOutcome>;
}

/** What to build, as the journal keeps it: no URL in it carries a signature. */
export interface BuildJob {
  readonly deploymentId: string;
  readonly workspaceId: string;
  readonly projectId: string;
  readonly contextPath: string;
  readonly dockerfile: string;
}

export type BuildReport =
  | { readonly kind: "built"; readonly image: string; readonly buildId: string }
  | {
    readonly kind: "failed";
    readonly code: FailureCode;
    readonly message: string;
    readonly details?: FailureDetails;
  };

/** The effects that the build workflow orders. */
export interface BuildSteps {
  /**
   * Builds and streams the output into the deployment's events.
   *
   * @throws `cancelled` when the deployment is not building any more
   */
  build(job: BuildJob, deadlineMs: number, signal: AbortSignal): Promise<BuildReport>;
}

/** What the steps work with. */
export interface BuildDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly objects: Pick<ObjectStore, "head" | "presignGet">;
  readonly builder: Builder;
  /** What the names of images begin with. */
  readonly registryName: string;
}

const LINES_MAX = 20;
const CONTEXT_URL_MS = 60 * 60_000;

/** The steps over the database, the object store and a builder. */
export function createBuildSteps(deps: BuildDeps): BuildSteps {
  return {
    async build(job, deadlineMs, signal) {
      const { db, clock, objects } = deps;
      const attempt = await transact(db, (tx) => beginBuildAttempt(tx, job.deploymentId, clock.now()));
      if (attempt?.status !== "building") {
        throw new Fault("cancelled", `${job.deploymentId} is ${attempt?.status ?? "missing"}, not building`);
      }
      if (await objects.head(job.contextPath) === undefined) return CONTEXT_MISSING;
      const contextUrl = await objects.presignGet(job.contextPath, { expiresInMs: CONTEXT_URL_MS });
      return await runBuild(deps, { job, contextUrl, buildId: attempt.buildId, deadlineMs, signal });
    },
  };
}

interface RunningBuild {
  readonly job: BuildJob;
  readonly contextUrl: string;
  readonly buildId: string;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

async function runBuild(deps: BuildDeps, build: RunningBuild): Promise<BuildReport> {
  const { job, contextUrl, buildId, deadlineMs, signal } = build;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), Math.max(0, deadlineMs - deps.clock.now()));
  const sink = new BuildLogSink(deps, job.deploymentId);
  const tell = stepTeller(deps.clock, sink);
  try {
    const outcome = await deps.builder.build({
      contextUrl,
      dockerfile: job.dockerfile,
      tag: imageName(deps.registryName, job),
      labels: { [IMAGE_LABEL.project]: job.projectId, [IMAGE_LABEL.deployment]: job.deploymentId },
      cacheNamespace: job.workspaceId,
      buildId,
      signal: AbortSignal.any([signal, late.signal]),
      onEvent: tell,
    });
    if (outcome.kind === "built") return { kind: "built", image: outcome.image, buildId };
    return { kind: "failed", code: outcome.code, message: failureText(outcome), ...detailsOf(outcome) };
  } catch (error) {
    signal.throwIfAborted();
    if (late.signal.aborted) return TIMED_OUT;
    throw error;
  } finally {
    clearTimeout(timer);
    await sink.close();
  }
}

function detailsOf({ exitCode, instruction = "", lastLines }: BuilderFailure): { details?: FailureDetails } {
  if (exitCode === undefined && lastLines.length === 0) return {};
  const exit = exitCode === undefined ? {} : { exitCode };
  return { details: { ...exit, source: "build", origin: instruction, lines: lastLines.slice(-LINES_MAX) } };
}

/** Prints what the builder tells: output as it is, and a line where an instruction ends. */
function stepTeller(clock: Clock, sink: BuildLogSink): (event: BuilderEvent) => void {
  const startedAtMs = new Map<string, number>();
  return (event) => {
    if (event.kind === "log") return sink.push(event.stepName, event.lines);
    if (event.status === "running") startedAtMs.set(event.id, clock.now());
    if (event.status === "running" || !isInstruction(event.name)) return;
    const started = startedAtMs.get(event.id);
    const seconds = started === undefined ? "" : ` in ${((clock.now() - started) / 1000).toFixed(1)} s`;
    sink.push(event.name, [event.status === "cached" ? "cached" : `${event.status}${seconds}`]);
  };
}

const CONTEXT_MISSING: BuildReport = {
  kind: "failed",
  code: "context_missing",
  message: "The build context was never uploaded, or has been deleted. Deploy again to upload it anew.",
};

const TIMED_OUT: BuildReport = {
  kind: "failed",
  code: "build_timeout",
  message:
    "The build took longer than is allowed and was stopped. Make it shorter, for example with layers that can be " +
    "cached, then deploy again.",
};
