import type { Clock } from "../clock/mod.ts";
import { failed, type Finding, ok, type Probe, warning } from "./probe.ts";

/** Another clock to compare with. */
export interface ClockSource {
  /** E.g. `the database`. */
  readonly name: string;
  /** Its time in milliseconds; `undefined`: it has none. */
  readonly read: (signal: AbortSignal) => Promise<number | undefined>;
}

/** HTTP dates are in whole seconds, and an answer takes its time. */
const NOISE_MS = 2_000;
/** From here on S3 refuses signatures, and certificates seem to begin in the future. */
const FAILED_MS = 300_000;
const ADVICE =
  'Keep the clocks of all machines in step with NTP: "timedatectl set-ntp true" where systemd runs.';

/** Compares the machine's clock with others. */
export function clockProbe(sources: readonly ClockSource[], clock: Clock): Probe {
  return {
    subject: "clock",
    advice: ADVICE,
    async ask(signal) {
      const offsets = await Promise.all(sources.map((source) => offsetOf(source, clock, signal)));
      const known = offsets.flatMap((each) => each ?? []);
      const [worst] = known.toSorted((a, b) => Math.abs(b.ms) - Math.abs(a.ms));
      if (worst === undefined) return ok("No other clock is there to compare with.");
      return findingOf(worst.name, worst.ms, known.length);
    },
  };
}

function findingOf(name: string, ms: number, count: number): Finding {
  if (Math.abs(ms) <= NOISE_MS) {
    return ok(`It agrees with ${count === 1 ? name : `${count} others`}, within ${NOISE_MS / 1_000} s.`);
  }
  const text = `The clock of ${name} is ${Math.round(Math.abs(ms) / 1_000)} s ${
    ms > 0 ? "ahead of" : "behind"
  } this machine's.`;
  return Math.abs(ms) >= FAILED_MS ? failed(text, ADVICE) : warning(text, ADVICE);
}

async function offsetOf(
  { name, read }: ClockSource,
  clock: Clock,
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly ms: number } | undefined> {
  const beforeMs = clock.now();
  // A part that does not answer has a probe of its own.
  const theirs = await read(signal).catch(() => undefined);
  return theirs === undefined ? undefined : { name, ms: theirs - (beforeMs + clock.now()) / 2 };
}
