import { type Endpoint, workerFacts } from "../../../../../pkg/build/mod.ts";
import { fieldName } from "../../../../../pkg/config/mod.ts";
import { type Fault, publicFault } from "../../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import { BUILD_FIELDS } from "../../config/build.ts";
import { reachedFrom } from "./probe.ts";

export interface CheckOptions {
  /** URLs of the platform that no build may reach when they are at private addresses. */
  readonly others: readonly string[];
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const CONNECT_MS_MAX = 15_000;
const CHECK_MS_MAX = 120_000;
const MANIFEST = "dev/k8s/manifests/buildkitd.yaml";
const NAMED_MAX = 8;
const SETTING = fieldName(BUILD_FIELDS.buildNetwork);

/**
 * Proves that a BuildKit daemon's network is isolated, without the rules about sources, which know names only: a public name can
 * lead to a private address, and so can a redirect.
 *
 * The proof is made of downloads as `ADD` does them, since a `RUN` needs an image with a program in it. A `RUN` is in the daemon's
 * network namespace when the daemon says that its network is `host`. With CNI it has a namespace behind the daemon's: rules at the
 * border of the pod or machine, such as a NetworkPolicy, hold for both, while rules in the daemon's namespace must be in its
 * FORWARD chain, too.
 *
 * @throws `failed_precondition` when it is not isolated, or knows no rules about sources; `unavailable` when it does not tell
 */
export async function checkBuilderNetwork(endpoint: Endpoint, options: CheckOptions): Promise<void> {
  const { log, others } = options;
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(CHECK_MS_MAX)]);
  const connection = await endpoint.connect(AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS_MAX)]));
  try {
    const { hasSourcePolicy, runNetwork } = await workerFacts(connection, signal);
    if (!hasSourcePolicy) throw tooOld(endpoint.name);
    const reached = await reachedFrom(connection, { others, signal });
    if (reached.length > 0) throw notIsolated(endpoint.name, reached);
    if (runNetwork !== "host") {
      log.warn("RUN instructions are in a network of their own, which was not checked", {
        builder: endpoint.name,
        network: runNetwork,
      });
    }
    log.info("the builder's network is isolated", { builder: endpoint.name });
  } finally {
    connection.close();
  }
}

/** Logs when a builder ignores the rules about sources, which a trusted network makes no error. */
export async function warnOfOldBuilder(
  endpoint: Endpoint,
  { log, signal }: Pick<CheckOptions, "log" | "signal">,
): Promise<void> {
  const connection = await endpoint.connect(signal);
  try {
    const { hasSourcePolicy } = await workerFacts(connection, signal);
    if (hasSourcePolicy) return;
    log.warn("builds may read from private addresses: the builder is too old for rules about sources", {
      builder: endpoint.name,
      needed: "BuildKit 0.11 or Docker 23",
    });
  } finally {
    connection.close();
  }
}

function notIsolated(builder: string, reached: readonly string[]): Fault {
  const more = reached.length > NAMED_MAX ? `, and ${reached.length - NAMED_MAX} more` : "";
  return publicFault(
    "failed_precondition",
    `The builder at ${builder} reaches addresses that no build may reach: ${
      reached.slice(0, NAMED_MAX).join(", ")
    }${more}. Any Dockerfile could read from there and change things. Give the builder a network that leads to public ` +
      `addresses only, as ${MANIFEST} does; or, if all who deploy may reach these addresses, set ${SETTING} to trusted.`,
  );
}

function tooOld(builder: string): Fault {
  return publicFault(
    "failed_precondition",
    `The BuildKit at ${builder} is too old to limit the addresses that builds read from. Use BuildKit 0.11 or newer; or, if all who ` +
      `deploy may reach what the builder reaches, set ${SETTING} to trusted.`,
  );
}
