/** Hands workflows over to another worker at the end of this one. */
import { describeError } from "../../../../pkg/fault/mod.ts";
import { DEPLOYMENT_SERVICE } from "../../internal/workflows/names.ts";
import { type KnownWorker, listWorkers, pointAt, reaches } from "./admin.ts";
import { journalPlace, journalUri } from "./journal.ts";
import type { Registration } from "./register.ts";

/** Shorter than the time that a closer has. Without a hand-over, another worker takes over later. */
const HAND_OVER_MS_MAX = 5_000;
const PROBE_MS_MAX = 2_500;
const SUCCESSORS_ASKED_MAX = 8;

/**
 * Lets the workflows of this worker go on at another one that Restate reaches, the newest first. Without any they wait
 * for the next start. Without a hand-over, another worker takes over when this one has not answered for a while.
 */
export async function handOver(registration: Registration): Promise<void> {
  const { log } = registration;
  const own = journalPlace(registration.uri).worker;
  const signal = AbortSignal.timeout(HAND_OVER_MS_MAX);
  try {
    const workers = (await listWorkers(registration, signal)).flatMap(placed)
      .filter(({ services }) => services.includes(DEPLOYMENT_SERVICE));
    const mine = workers.filter(({ worker }) => worker === own);
    const others = workers.filter(({ worker }) => worker !== own)
      .toSorted((a, b) => b.createdMs - a.createdMs).map(({ worker }) => worker);
    const candidates = [...new Set(others)].slice(0, SUCCESSORS_ASKED_MAX);
    for (const { id, revision } of mine) {
      const uris = candidates.map((worker) => journalUri(worker, revision));
      const probe = AbortSignal.timeout(PROBE_MS_MAX);
      const reached = await Promise.all(
        uris.map((uri) => reaches(registration, uri, probe).catch(() => false)),
      );
      const successor = uris.find((_uri, at) => reached[at]);
      if (successor === undefined) continue;
      await pointAt(registration, id, successor, signal);
      log.info("workflows left to another worker", { deployment: id, successor });
    }
  } catch (error) {
    log.warn("workflows not left to another worker", { error: describeError(error) });
  }
}

function placed(worker: KnownWorker) {
  return worker.uri === undefined ? [] : [{ ...worker, ...journalPlace(worker.uri) }];
}
