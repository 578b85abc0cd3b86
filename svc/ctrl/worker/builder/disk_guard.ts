import type { Builder, BuildFailure, BuildOutcome, BuildRequest } from "../../../../pkg/build/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";

/** Parts of the guard of a builder's disk. */
export interface DiskGuardDeps {
  /** Free bytes of the builder's disk; `undefined`: not known, and nothing is guarded. */
  readonly bytesFree: () => Promise<number | undefined>;
  /** Below it no build begins, and builds that run are stopped. */
  readonly bytesMin: number;
  /** Makes room; a failure only costs the room. */
  readonly prune: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

const LOOK_EVERY_MS = 2_000;
const MEBIBYTE = 1024 * 1024;

/**
 * A builder that leaves room on its disk: a full one would stop everything else on that machine, too. Before a build that finds too
 * little room the build cache is pruned; a build that writes too much is stopped, with a text for its user.
 */
export function guardDisk(builder: Builder, deps: DiskGuardDeps): Builder {
  return {
    async build(request) {
      return await makeRoom(deps, request.signal) ?? await watched(builder, deps, request);
    },
  };
}

/** A failure when there is no room even without the cache. */
async function makeRoom(
  { bytesFree, bytesMin, prune, log }: DiskGuardDeps,
  signal: AbortSignal,
): Promise<BuildFailure | undefined> {
  if (!isShort(await bytesFree(), bytesMin)) return undefined;
  await prune(signal).catch((error: unknown) => {
    signal.throwIfAborted();
    log.warn("build cache not pruned", { error: describeError(error) });
  });
  const free = await bytesFree();
  if (!isShort(free, bytesMin)) return undefined;
  log.warn("no build begins: the builder's disk is full", { free_mib: mebibytes(free) });
  return failure(
    `The builder's disk is nearly full: ${mebibytes(free)} MiB are free, and ${
      mebibytes(bytesMin)
    } MiB are needed. ` +
      "Ask the operator to make room there, then deploy again.",
  );
}

async function watched(builder: Builder, deps: DiskGuardDeps, request: BuildRequest): Promise<BuildOutcome> {
  const { bytesFree, bytesMin, clock, log } = deps;
  const [full, ended] = [new AbortController(), new AbortController()];
  let left: number | undefined;
  const watching = (async () => {
    while (!ended.signal.aborted && !full.signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, ended.signal).catch(() => undefined);
      left = await bytesFree();
      if (!ended.signal.aborted && isShort(left, bytesMin)) {
        full.abort(new Error("the builder's disk is full"));
      }
    }
  })();
  try {
    return await builder.build({ ...request, signal: AbortSignal.any([request.signal, full.signal]) });
  } catch (error) {
    request.signal.throwIfAborted();
    if (!full.signal.aborted) throw error;
    log.warn("build stopped", { image: request.image, free_mib: mebibytes(left) });
    return stopped(left, bytesMin);
  } finally {
    ended.abort();
    await watching;
  }
}

function stopped(left: number | undefined, bytesMin: number): BuildFailure {
  return failure(
    `The build was stopped, because the builder's disk had only ${mebibytes(left)} MiB left, of which ` +
      `${
        mebibytes(bytesMin)
      } MiB stay free. Write less in RUN steps and copy fewer files, or ask the operator for more ` +
      "room; then deploy again.",
  );
}

function failure(message: string): BuildFailure {
  return { kind: "failed", code: "builder_full", message, lastLines: [] };
}

function isShort(free: number | undefined, bytesMin: number): boolean {
  return free !== undefined && free < bytesMin;
}

function mebibytes(bytes = 0): number {
  return Math.round(bytes / MEBIBYTE);
}
