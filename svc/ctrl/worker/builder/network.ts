import type { Builder, Endpoint } from "../../../../pkg/build/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError, Fault, isFault } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { backoffMs } from "../../../../pkg/retry/mod.ts";
import type { Runner } from "../../../../pkg/runner/mod.ts";
import type { WorkerConfig } from "../config/config.ts";
import { checkBuilderNetwork, warnOfOldBuilder } from "./network/check.ts";
import { type PlatformConfig, platformUrls } from "./network/platform_urls.ts";

/** The settings that decide about the check. */
export type NetworkConfig = Pick<WorkerConfig, "buildNetwork" | "buildSources"> & PlatformConfig;

export interface NetworkDeps {
  readonly builder: Builder;
  /** `undefined`: the builder is in no network of ours. */
  readonly endpoint?: Endpoint;
  readonly clock: Clock;
  readonly log: Logger;
  readonly runner: Runner;
  readonly signal: AbortSignal;
}

const VERSION_MS_MAX = 60_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_MS_MAX = 30_000;

/**
 * The builder as it may be used. With `--build-network isolated` it builds only once its network is proven to be so; a daemon
 * that does not answer yet is asked again in the background, and a bad result then stops the worker.
 *
 * @throws `failed_precondition` when the network is not isolated
 */
export async function openBuilderNetwork(config: NetworkConfig, deps: NetworkDeps): Promise<Builder> {
  const { builder, endpoint, runner, signal } = deps;
  if (endpoint === undefined) return builder;
  if (config.buildNetwork === "trusted") {
    if (config.buildSources === "public") {
      runner.go("builder version", (stop) => tellVersion(endpoint, deps, stop));
    }
    return builder;
  }
  let isChecked = await check(config, endpoint, deps, { attempt: 1, signal });
  if (isChecked) return builder;
  runner.go("builder network", async (stop) => {
    for (let attempt = 2; !isChecked && !stop.aborted; attempt++) {
      const waitMs = backoffMs(attempt - 1, RETRY_FIRST_MS, RETRY_MS_MAX);
      await deps.clock.sleep(waitMs, stop).catch(() => undefined);
      if (!stop.aborted) isChecked = await check(config, endpoint, deps, { attempt, signal: stop });
    }
  });
  return {
    async build(request) {
      if (!isChecked) throw notChecked(endpoint.name);
      return await builder.build(request);
    },
  };
}

/** False when the daemon does not answer. */
async function check(
  config: NetworkConfig,
  endpoint: Endpoint,
  { log }: NetworkDeps,
  { attempt, signal }: { readonly attempt: number; readonly signal: AbortSignal },
): Promise<boolean> {
  try {
    await checkBuilderNetwork(endpoint, { others: platformUrls(config), log, signal });
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (isFault(error, "failed_precondition")) throw error;
    log.warn("no builds yet: the builder's network could not be checked", {
      builder: endpoint.name,
      attempt,
      error: describeError(error),
    });
    return false;
  }
}

async function tellVersion(endpoint: Endpoint, { log }: NetworkDeps, stop: AbortSignal): Promise<void> {
  try {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(VERSION_MS_MAX)]);
    await warnOfOldBuilder(endpoint, { log, signal });
  } catch (error) {
    // Builds will tell that it does not answer.
    log.debug("the builder's version is not known", { error: describeError(error) });
  }
}

function notChecked(builder: string): Fault {
  return new Fault("unavailable", `the network of the builder at ${builder} was not checked yet`, {
    publicMessage: "The builder does not answer yet. Try again in a moment.",
  });
}
