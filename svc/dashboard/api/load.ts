/// <reference lib="dom" />
/** Data of a page that is read when it has changed, while the page is shown. */
import { type Signal, signal } from "@preact/signals";
import type { WorkspaceChange } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { Live } from "./live.ts";
import { type Problem, problemOf } from "./problem.ts";
import { pause, type Visibility, whileVisible } from "./visible.ts";

/** The last answer stays while the next ones fail. */
export interface Loaded<T> {
  readonly value: T | undefined;
  readonly problem: Problem | undefined;
}

export interface Loading<T> {
  readonly state: Signal<Loaded<T>>;
  /** Reads now. */
  again(): void;
  stop(): void;
}

/** A page that fails tries again after so long at the earliest. */
const FAILED_MS = 5_000;

/** Heartbeats that do not come and times that pass are no change, so that a page is read after so long in any case. */
const EVERY_MS = 30_000;

export interface LoadOptions<T> {
  readonly page: Visibility;
  readonly api: { readonly live: Pick<Live, "onChanges"> };
  readonly read: (signal: AbortSignal) => Promise<T>;
  /** True for a change of the data; absent: each is. */
  readonly concerns?: (change: WorkspaceChange, value: T) => boolean;
  /** After how many milliseconds it is read in any case; 30 s by default. */
  readonly everyMs?: (value: T) => number;
  /** Names the act, for the text of a failure. */
  readonly what: string;
}

/** Reads at once, then when something has changed. */
export function keepLoading<T>(
  { page, api: { live }, read, concerns = () => true, everyMs = () => EVERY_MS, what }: LoadOptions<T>,
): Loading<T> {
  const state = signal<Loaded<T>>({ value: undefined, problem: undefined });
  const stop = new AbortController();
  let wake = new AbortController();
  const run = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      wake = new AbortController();
      const waitMs = await read(signal).then((value) => {
        state.value = { value, problem: undefined };
        return everyMs(value);
      }, (error: unknown) => {
        if (!signal.aborted) state.value = { ...state.value, problem: problemOf(error, what) };
        return FAILED_MS;
      });
      if (state.value.problem?.loggedOut === true) return;
      await pause(waitMs, AbortSignal.any([signal, wake.signal]));
    }
  };
  whileVisible(page, stop.signal, run).catch((error: unknown) => {
    state.value = { ...state.value, problem: problemOf(error, what) };
  });
  const again = (): void => wake.abort();
  const unsubscribe = live.onChanges((changes) => {
    const { value, problem } = state.value;
    const isOther = changes !== undefined && value !== undefined && problem === undefined &&
      !changes.some((each) => concerns(each, value));
    if (!isOther) again();
  });
  const end = (): void => {
    unsubscribe();
    stop.abort();
  };
  return { state, again, stop: end };
}
