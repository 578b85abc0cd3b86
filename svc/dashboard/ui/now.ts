/// <reference lib="dom" />
import { useEffect, useState } from "preact/hooks";
import type { Clock } from "../../../pkg/clock/mod.ts";

const EVERY_MS = 1_000;

/** The time, once a second: ages go on while nothing is read. */
export function useNow(clock: Pick<Clock, "now">): number {
  const [nowMs, setNowMs] = useState(clock.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(clock.now()), EVERY_MS);
    return () => clearInterval(timer);
  }, [clock]);
  return nowMs;
}
