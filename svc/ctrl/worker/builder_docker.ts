import type { Clock } from "../../../pkg/clock/mod.ts";
import {
  buildImage,
  type BuildRequest,
  type Engine,
  pushImage,
  type PushProgress,
  pushStepName,
  removeImage,
} from "../../../pkg/docker/mod.ts";
import { describeError } from "../../../pkg/fault/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import type { Registry } from "../../../pkg/registry/mod.ts";
import { newSecretToken } from "../../../pkg/uid/mod.ts";
import type { Builder, BuilderOutcome, BuilderRequest } from "./build/steps.ts";
import { imageByDigest, LOCAL_REGISTRY } from "./build/plan.ts";
import { pushFailure } from "./push_failure.ts";
import { pushPatiently } from "./push_patiently.ts";

/** What building with an engine needs. */
export interface DockerBuilderOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where images go; without one they stay in the engine. */
  readonly registry?: Registry;
}

const REMOVE_MS_MAX = 30_000;
const NEWS_EVERY_MS = 5_000;

/** Builds with the BuildKit inside a Docker Engine, which also pushes. */
export function createDockerBuilder(options: DockerBuilderOptions): Builder {
  const { engine, registry } = options;
  return {
    async build(request) {
      if (registry === undefined) return await buildImage(engine, local(request));
      const ownImages = request.tag.slice(0, request.tag.lastIndexOf("/") + 1);
      const reserved = { below: [`${LOCAL_REGISTRY}/`, `${registry.name}/`], except: ownImages };
      const outcome = await buildImage(engine, { ...request, reserved });
      if (outcome.kind !== "built") return outcome;
      try {
        return await push(options, registry, request);
      } finally {
        await remove(options, request.tag);
      }
    },
  };
}

/**
 * A build whose image stays in the engine, where every later build could read it by its name: it gets one that cannot be
 * guessed and is told to its owner only. A Dockerfile that says such a name is also told why not, but one with a syntax of
 * its own could hide what it reads.
 */
function local(request: BuilderRequest): BuildRequest {
  return { ...request, tag: newSecretToken(request.tag), reserved: { below: [`${LOCAL_REGISTRY}/`] } };
}

/** Pushes; tells one step, and from time to time how far a long one is. */
async function push(
  { engine, clock, log }: DockerBuilderOptions,
  { name: registryName, credentials }: Registry,
  { tag, signal, onEvent }: BuilderRequest,
): Promise<BuilderOutcome> {
  const step = { kind: "step", id: "push", name: pushStepName(tag) } as const;
  const tell = (line: string): void => onEvent({ kind: "log", stepName: step.name, lines: [line] });
  const onProgress = progressTeller(clock, tell);
  const who = credentials === undefined ? {} : { credentials };
  onEvent({ ...step, status: "running" });
  const pushed = await pushPatiently(
    () => pushImage(engine, { reference: tag, ...who, signal, onProgress }),
    { clock, log, image: tag, tell, signal },
  );
  onEvent({ ...step, status: pushed.kind === "pushed" ? "done" : "failed" });
  if (pushed.kind === "pushed") return { kind: "built", image: imageByDigest(tag, pushed.digest) };
  return { kind: "failed", ...pushFailure(registryName, pushed.problem) };
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
