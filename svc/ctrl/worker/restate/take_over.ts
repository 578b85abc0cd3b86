/** Going on with the workflows of workers that are gone. */
import { describeError } from "../../../../pkg/fault/mod.ts";
import { NO_METER } from "../../../../pkg/metrics/mod.ts";
import { backoffMs } from "../../../../pkg/retry/mod.ts";
import { DEPLOYMENT_SERVICE } from "../../internal/workflows/names.ts";
import type { Registration } from "./register.ts";
import { type KnownWorker, listWorkers, pointAt, reaches, withoutSlash } from "./admin.ts";
import { journalPlace, journalUri, readsJournal } from "./journal.ts";

/** The longest time between two looks for workers that went away. Jitter makes it as short as half, so that not all workers look at once. */
const LOOK_MS_MAX = 60_000;
/** While one does not answer. */
const SUSPECT_MS = 5_000;
/** The least number of probes in a row that fail, and the time that they take: a worker that is busy or restarts is not gone. */
const PROBES_MIN = 4;
const UNREACHABLE_MS_MIN = 15_000;
const PROBE_MS_MAX = 5_000;
const PROBES_AT_ONCE = 16;

/** A worker that does not answer. */
interface Suspect {
  readonly sinceMs: number;
  readonly probes: number;
}

/**
 * Takes over from workers that are gone, until `signal` aborts: a workflow goes on where it began, and a new one where
 * the worker is that registered last, so that both would wait for ever when that worker is removed, or comes back at
 * another address. A worker is gone when it has not answered for a while, neither this worker nor Restate itself.
 */
export async function takeOverForever(registration: Registration, signal: AbortSignal): Promise<void> {
  const { clock, log, meter = NO_METER } = registration;
  let suspects: ReadonlyMap<string, Suspect> = new Map();
  while (!signal.aborted) {
    try {
      const before = suspects;
      suspects = await meter(() => lookOnce(registration, before, signal));
    } catch (error) {
      if (!signal.aborted) log.warn("former workers not looked after", { error: describeError(error) });
    }
    const waitMs = suspects.size > 0 ? SUSPECT_MS : backoffMs(1, LOOK_MS_MAX, LOOK_MS_MAX);
    await clock.sleep(waitMs, signal).catch(() => undefined);
  }
}

/** Returns the workers that do not answer and were not taken over yet. */
async function lookOnce(
  registration: Registration,
  before: ReadonlyMap<string, Suspect>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Suspect>> {
  const others = Map.groupBy(await listWorkers(registration, signal), ({ uri }) => uri);
  const suspects = new Map<string, Suspect>();
  const look = async ([uri, workers]: [string | undefined, KnownWorker[]]): Promise<void> => {
    const ours = workers.filter(({ services }) => services.includes(DEPLOYMENT_SERVICE));
    if (uri === undefined || ours.length === 0) return;
    const { worker } = journalPlace(uri);
    if (worker === withoutSlash(registration.uri)) return;
    const nowMs = registration.clock.now();
    if (await answers(registration.fetch ?? fetch, worker, signal)) return;
    const { sinceMs, probes } = before.get(uri) ?? { sinceMs: nowMs, probes: 0 };
    const suspect = { sinceMs, probes: probes + 1 };
    if (suspect.probes < PROBES_MIN || nowMs - sinceMs < UNREACHABLE_MS_MIN) suspects.set(uri, suspect);
    else await takeOver(registration, uri, ours, signal);
  };
  const all = [...others];
  for (let start = 0; start < all.length; start += PROBES_AT_ONCE) {
    await Promise.all(all.slice(start, start + PROBES_AT_ONCE).map(look));
  }
  return suspects;
}

async function takeOver(
  registration: Registration,
  former: string,
  workers: readonly KnownWorker[],
  signal: AbortSignal,
): Promise<void> {
  const { log } = registration;
  const { revision } = journalPlace(former);
  if (!readsJournal(revision)) {
    log.warn("workflows wait for a newer release: start a worker of it", { former, journal: revision });
    return;
  }
  const uri = journalUri(registration.uri, revision);
  // Workers need not be able to reach each other.
  if (await reaches(registration, former, signal)) {
    log.debug("a worker that does not answer here is reached by restate", { worker: former });
    return;
  }
  for (const { id } of workers) {
    await pointAt(registration, id, uri, signal);
    log.info("took over from a worker that is gone", { former, uri, deployment: id });
  }
}

async function answers(request: typeof fetch, uri: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await request(`${uri}/health`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS_MAX)]),
    });
    await response.body?.cancel();
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
