import { buildAndPush, type Daemon } from "../../../pkg/buildkit/mod.ts";
import type { Clock } from "../../../pkg/clock/mod.ts";
import { pushStepName } from "../../../pkg/docker/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import type { Registry } from "../../../pkg/registry/mod.ts";
import { imageByDigest } from "./build/plan.ts";
import type { Builder, BuilderEvent, BuilderOutcome, BuilderRequest } from "./build/steps.ts";
import { pushFailure } from "./push_failure.ts";
import { pushPatiently } from "./push_patiently.ts";

/** What building with a daemon needs. */
export interface BuildkitBuilderOptions {
  readonly daemon: Daemon;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where images go; the daemon itself keeps none that anybody could run. */
  readonly registry: Registry;
}

/** Builds with a BuildKit daemon, which also pushes. */
export function createBuildkitBuilder(options: BuildkitBuilderOptions): Builder {
  return { build: (request) => build(options, request) };
}

async function build(
  { daemon, clock, log, registry }: BuildkitBuilderOptions,
  request: BuilderRequest,
): Promise<BuilderOutcome> {
  const { tag, signal, onEvent } = request;
  const step = { kind: "step", id: "push", name: pushStepName(tag) } as const;
  const outcome = await pushPatiently(
    (attempt) =>
      buildAndPush(daemon, {
        ...request,
        reference: tag,
        registry,
        ownImages: tag.slice(0, tag.lastIndexOf("/") + 1),
        // From the second attempt on all is cached, and was told before.
        onEvent: attempt === 1 ? onEvent : ignore,
      }),
    {
      clock,
      log,
      image: tag,
      signal,
      tell: (line) => onEvent({ kind: "log", stepName: step.name, lines: [line] }),
    },
  );
  switch (outcome.kind) {
    case "pushed":
      onEvent({ ...step, status: "done" });
      return { kind: "built", image: imageByDigest(tag, outcome.digest) };
    case "not_pushed":
      onEvent({ ...step, status: "failed" });
      return { kind: "failed", ...pushFailure(registry.name, outcome.problem) };
    case "failed":
      return outcome;
  }
}

function ignore(_event: BuilderEvent): void {
  // Told before.
}
