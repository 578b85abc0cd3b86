import type { Clock } from "../../../pkg/clock/mod.ts";
import {
  buildImage,
  type Engine,
  pushImage,
  type PushOutcome,
  type PushProgress,
  removeImage,
} from "../../../pkg/docker/mod.ts";
import { describeError } from "../../../pkg/fault/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import type { Registry } from "../../../pkg/registry/mod.ts";
import { backoffMs } from "../../../pkg/retry/mod.ts";
import type { Builder, BuilderOutcome, BuilderRequest } from "./build/steps.ts";
import { pushFailure } from "./push_failure.ts";

/** What building with an engine needs. */
export interface DockerBuilderOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where images go; without one they stay in the engine. */
  readonly registry?: Registry;
}

const ATTEMPTS_MAX = 4;
const RETRY_FIRST_MS = 1_000;
const RETRY_MS_MAX = 8_000;
/** The engine repeats what it can by itself, for most of a minute: no further attempt begins after this. */
const RETRYING_MS_MAX = 60_000;
const REMOVE_MS_MAX = 30_000;
const NEWS_EVERY_MS = 5_000;

/** Builds with the BuildKit inside a Docker Engine, which also pushes. */
export function createDockerBuilder(options: DockerBuilderOptions): Builder {
  const { engine, registry } = options;
  return {
    async build(request) {
      const outcome = await buildImage(engine, request);
      if (outcome.kind !== "built" || registry === undefined) return outcome;
      try {
        return await push(options, registry, request);
      } finally {
        await remove(options, request.tag);
      }
    },
  };
}

/** Pushes, again when the registry was only away; tells one step, and from time to time how far a long one is. */
async function push(
  options: DockerBuilderOptions,
  registry: Registry,
  request: BuilderRequest,
): Promise<BuilderOutcome> {
  const { tag, onEvent } = request;
  const step = { kind: "step", id: "push", name: `[registry] push ${tag}` } as const;
  onEvent({ ...step, status: "running" });
  const pushed = await pushPatiently(options, registry, request, step.name);
  onEvent({ ...step, status: pushed.kind === "pushed" ? "done" : "failed" });
  if (pushed.kind === "failed") return { kind: "failed", ...pushFailure(registry.name, pushed.problem) };
  return { kind: "built", image: `${tag.slice(0, tag.lastIndexOf(":"))}@${pushed.digest}` };
}

async function pushPatiently(
  { engine, clock, log }: DockerBuilderOptions,
  { credentials }: Registry,
  { tag, signal, onEvent }: BuilderRequest,
  stepName: string,
): Promise<PushOutcome> {
  const who = credentials === undefined ? {} : { credentials };
  const tell = (line: string): void => onEvent({ kind: "log", stepName, lines: [line] });
  const onProgress = progressTeller(clock, tell);
  const beganMs = clock.now();
  for (let attempt = 1;; attempt++) {
    const pushed = await pushImage(engine, { reference: tag, ...who, signal, onProgress });
    if (pushed.kind === "pushed") return pushed;
    log.warn("push failed", { image: tag, attempt, problem: pushed.problem, said: pushed.said });
    const again = pushed.problem === "unavailable" && attempt < ATTEMPTS_MAX &&
      clock.now() - beganMs < RETRYING_MS_MAX;
    if (!again) return pushed;
    tell("the registry does not answer, trying again");
    await clock.sleep(backoffMs(attempt, RETRY_FIRST_MS, RETRY_MS_MAX), signal);
  }
}

function progressTeller(clock: Clock, tell: (line: string) => void): (progress: PushProgress) => void {
  let toldMs = clock.now();
  return ({ sentBytes, totalBytes }) => {
    if (clock.now() - toldMs < NEWS_EVERY_MS) return;
    toldMs = clock.now();
    tell(`${megabytes(sentBytes)} of ${megabytes(totalBytes)} MB`);
  };
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}

/** The registry has the image now, or the build failed: the engine's disk must not fill. Its build cache stays. */
async function remove({ engine, log }: DockerBuilderOptions, tag: string): Promise<void> {
  try {
    await removeImage(engine, tag, AbortSignal.timeout(REMOVE_MS_MAX));
  } catch (error) {
    log.warn("image not removed", { image: tag, error: describeError(error) });
  }
}
