import type { Clock } from "../clock/mod.ts";
import { describeError, Fault } from "../fault/mod.ts";
import { failed, type Finding, type Probe } from "./probe.ts";

/** A finding, with the part that it is about. */
export interface ProbeReport extends Finding {
  readonly subject: string;
  readonly durationMs: number;
}

/** One part that does not answer holds up no other, and the whole takes hardly longer than this. */
export const PROBE_MS_MAX = 10_000;
const TEXT_CHARACTERS_MAX = 600;

/** Asks all at once, and answers in the order of the probes. Rejects only when `signal` aborts. */
export function runProbes(
  probes: readonly Probe[],
  deps: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<readonly ProbeReport[]> {
  return Promise.all(probes.map((probe) => runProbe(probe, deps)));
}

async function runProbe(
  probe: Probe,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<ProbeReport> {
  const begunMs = clock.now();
  const [done, late] = [new AbortController(), new AbortController()];
  const timer = clock.sleep(PROBE_MS_MAX, AbortSignal.any([signal, done.signal])).then(
    () => {
      late.abort();
      return silent(probe);
    },
    () => silent(probe), // the probe has ended, or the signal has aborted
  );
  const asked = probe.ask(AbortSignal.any([signal, late.signal])).catch((error: unknown) =>
    late.signal.aborted ? silent(probe) : failed(reasonOf(error), probe.advice)
  );
  // A probe that ignores its signal is left behind.
  const finding = await Promise.race([asked, timer]);
  signal.throwIfAborted();
  done.abort();
  return { subject: probe.subject, durationMs: clock.now() - begunMs, ...finding };
}

function silent({ advice }: Probe): Finding {
  return failed(`No answer came within ${PROBE_MS_MAX / 1_000} s.`, advice);
}

/** The text of `fetch` up to its cause. The advice names the setting, so the URL is left out. */
const FETCH = /^(TypeError: fetch failed <- )?\w*Error: error sending request for url \(\S*\): /;

/** For an operator, who may see internal texts: no text of ours holds a secret. */
function reasonOf(error: unknown): string {
  const text = error instanceof Fault ? error.publicMessage ?? describeError(error) : describeError(error);
  return text.replace(FETCH, "No connection: ").slice(0, TEXT_CHARACTERS_MAX);
}
