import type { Connection } from "../connection/connection.ts";

/** Properties of a builder that no setting of ours has. */
export interface WorkerFacts {
  /** E.g. `v0.34.0`; `undefined` before 0.11, which does not tell. */
  readonly version: string | undefined;
  /** It knows rules about sources: BuildKit 0.11, Docker 23. Older versions ignore them. */
  readonly hasSourcePolicy: boolean;
  /** The network of `RUN`: `host` is the daemon's own; `undefined`: it does not tell. */
  readonly runNetwork: string | undefined;
}

const ANSWER_MS_MAX = 10_000;
const NETWORK_LABEL = "org.mobyproject.buildkit.worker.network";

/** Asks a builder for its properties. */
export async function workerFacts({ control }: Connection, signal: AbortSignal): Promise<WorkerFacts> {
  const { record } = await control.listWorkers({}, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]),
  });
  return {
    version: record[0]?.buildkitVersion?.version,
    // The version came with the rules.
    hasSourcePolicy: record.length > 0 &&
      record.every(({ buildkitVersion }) => buildkitVersion !== undefined),
    runNetwork: record[0]?.labels[NETWORK_LABEL],
  };
}
