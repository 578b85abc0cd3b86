import type { Clock } from "../../../../../pkg/clock/mod.ts";
import { Fault } from "../../../../../pkg/fault/mod.ts";
import type { Informer, KubeObject } from "../../../../../pkg/kube/mod.ts";

const LISTED_MS_MAX = 10_000;

/**
 * Waits for the first look at the cluster.
 *
 * @throws `unavailable` when it takes too long
 */
export async function untilListed(
  informers: readonly Pick<Informer<KubeObject>, "synced" | "listed">[],
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  if (informers.every((each) => each.synced)) return;
  const stop = new AbortController();
  const late = clock.sleep(LISTED_MS_MAX, AbortSignal.any([signal, stop.signal])).then(() => {
    throw new Fault("unavailable", "the cluster's objects are not known yet");
  });
  try {
    await Promise.race([Promise.all(informers.map((each) => each.listed)), late]);
  } finally {
    stop.abort();
    await late.catch(() => undefined);
  }
}
