/** The effect of a build. */
import type { Builder, BuildEvent, ContextArchive, Dockerfile } from "../../../../pkg/build/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { beginBuildAttempt, contextIdOfPath, type CtrlDatabase } from "../../internal/store/mod.ts";
import { openContentContext, readFailure } from "./content_context.ts";
import { type ContextDeps, dockerfileIn, fetchContext } from "./context.ts";
import { type BuildInputs, type InputsDeps, loadInputs } from "./inputs.ts";
import { type SpanTaker, timed } from "../../internal/traces/mod.ts";
import { BuildLogSink } from "./log_sink.ts";
import { BuildSpans } from "./build_spans.ts";
import { IMAGE_LABEL } from "./contract.ts";
import { type FailedBuild, failedBuild, imageName, isInstruction, TIMED_OUT } from "./plan.ts";
import type { BuildJob, BuildReport, BuildSteps } from "./types.ts";

export interface BuildDeps extends ContextDeps, InputsDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly builder: Builder;
  readonly spans: SpanTaker;
  /** Names of images begin with it. */
  readonly registryName: string;
}

/** The steps over the database, the object store and a builder. */
export function createBuildSteps(deps: BuildDeps): BuildSteps {
  return {
    async build(job, deadlineMs, signal) {
      const { db, clock } = deps;
      const attempt = await transact(db, (tx) => beginBuildAttempt(tx, job.deploymentId, clock.now()));
      if (attempt?.status !== "building") {
        throw new Fault("cancelled", `${job.deploymentId} is ${attempt?.status ?? "missing"}, not building`);
      }
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), Math.max(0, deadlineMs - clock.now()));
      const running = AbortSignal.any([signal, late.signal]);
      try {
        return await attemptBuild(deps, { job, buildId: attempt.buildId, signal: running });
      } catch (error) {
        signal.throwIfAborted();
        if (late.signal.aborted) return TIMED_OUT;
        throw error;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

interface Attempt {
  readonly job: BuildJob;
  readonly buildId: string;
  readonly signal: AbortSignal;
}

async function attemptBuild(deps: BuildDeps, { job, buildId, signal }: Attempt): Promise<BuildReport> {
  const context = await timed(
    deps,
    { id: job.deploymentId, name: "open context", step: "building" },
    () => openContext(deps, job, signal),
  );
  if ("kind" in context) return context;
  try {
    const inputs = await loadInputs(deps, job);
    const dockerfile = inputs.dockerfile ?? await dockerfileIn(context, job.dockerfile, signal);
    if ("kind" in dockerfile) return dockerfile;
    const report = await run(deps, { job, buildId, signal }, { context, inputs, dockerfile });
    return report.kind === "built" ? report : readFailure(context) ?? report;
  } catch (error) {
    signal.throwIfAborted();
    const failed = readFailure(context);
    if (failed === undefined) throw error;
    return failed;
  } finally {
    await context[Symbol.asyncDispose]();
  }
}

function openContext(
  deps: BuildDeps,
  { contextPath, projectId }: BuildJob,
  signal: AbortSignal,
): Promise<ContextArchive | FailedBuild> {
  const id = contextIdOfPath(contextPath);
  return id === undefined
    ? fetchContext(deps, contextPath, signal)
    : openContentContext(deps, projectId, id, signal);
}

interface Sources {
  readonly context: ContextArchive;
  readonly inputs: BuildInputs;
  readonly dockerfile: Dockerfile;
}

async function run(
  deps: BuildDeps,
  { job, buildId, signal }: Attempt,
  { context, inputs, dockerfile }: Sources,
): Promise<BuildReport> {
  const sink = new BuildLogSink(deps, job.deploymentId);
  const spans = new BuildSpans({ clock: deps.clock, deploymentId: job.deploymentId, buildId });
  const show = stepLines(deps.clock, sink);
  try {
    const outcome = await deps.builder.build({
      context,
      dockerfile,
      image: imageName(deps.registryName, job),
      labels: { [IMAGE_LABEL.project]: job.projectId, [IMAGE_LABEL.deployment]: job.deploymentId },
      options: inputs.options,
      secrets: inputs.secrets,
      credentials: inputs.credentials,
      projectId: job.projectId,
      contextKey: contextKey(job, context),
      cacheNamespace: job.workspaceId,
      signal,
      onEvent(event) {
        spans.take(event);
        show(event);
      },
    });
    return outcome.kind === "built" ? { ...outcome, buildId } : failedBuild(outcome);
  } finally {
    deps.spans.push(job.deploymentId, spans.end());
    await sink.close();
  }
}

/** A project's builds share a copy of the context, as far as times tell which files have changed. */
function contextKey({ projectId }: BuildJob, { stampDigest }: ContextArchive): string {
  return stampDigest === "" ? projectId : `${projectId}.${stampDigest}`;
}

/** Writes output as it is, and a line where an instruction ends. */
function stepLines(clock: Clock, sink: BuildLogSink): (event: BuildEvent) => void {
  const startedAtMs = new Map<string, number>();
  const done = new Set<string>();
  return (event) => {
    if (event.kind === "log") return sink.push(event.stepName, event.lines);
    if (event.status === "running") startedAtMs.set(event.id, clock.now());
    if (event.status === "running" || !isInstruction(event.name)) return;
    // BuildKit looks a base image up, and then takes it from its cache: that is one step.
    if (event.status === "cached" && done.has(event.id)) return;
    done.add(event.id);
    const started = startedAtMs.get(event.id);
    const seconds = started === undefined ? "" : ` in ${((clock.now() - started) / 1000).toFixed(1)} s`;
    sink.push(event.name, [event.status === "cached" ? "cached" : `${event.status}${seconds}`]);
  };
}
