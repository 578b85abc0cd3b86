/// <reference lib="dom" />
/** Data of a page that is read again and again while the page is shown. */
import { type Signal, signal } from "@preact/signals";
import type { Clock } from "../../../pkg/clock/mod.ts";
import { type Problem, problemOf } from "./problem.ts";
import { pause, type Visibility, whileVisible } from "./visible.ts";

/** The last answer stays while the next ones fail. */
export interface Loaded<T> {
  readonly value: T | undefined;
  readonly problem: Problem | undefined;
  readonly atMs: number;
}

export interface Loading<T> {
  readonly state: Signal<Loaded<T>>;
  /** Reads now. */
  again(): void;
  stop(): void;
}

/** A page that fails tries again after so long at the earliest. */
const FAILED_MS = 5_000;

/** @param what names the act, for the text of a failure */
export function keepLoading<T>(
  { page, clock, read, everyMs, what }: {
    readonly page: Visibility;
    readonly clock: Pick<Clock, "now">;
    readonly read: (signal: AbortSignal) => Promise<T>;
    readonly everyMs: number;
    readonly what: string;
  },
): Loading<T> {
  const state = signal<Loaded<T>>({ value: undefined, problem: undefined, atMs: 0 });
  const stop = new AbortController();
  let wake = new AbortController();
  const run = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      wake = new AbortController();
      const waitMs = await read(signal).then((value) => {
        state.value = { value, problem: undefined, atMs: clock.now() };
        return everyMs;
      }, (error: unknown) => {
        if (!signal.aborted) state.value = { ...state.value, problem: problemOf(error, what) };
        return Math.max(everyMs, FAILED_MS);
      });
      if (state.value.problem?.loggedOut === true) return;
      await pause(waitMs, AbortSignal.any([signal, wake.signal]));
    }
  };
  whileVisible(page, stop.signal, run).catch((error: unknown) => {
    state.value = { ...state.value, problem: problemOf(error, what) };
  });
  return { state, again: () => wake.abort(), stop: () => stop.abort() };
}
