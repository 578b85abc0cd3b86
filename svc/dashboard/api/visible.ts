/// <reference lib="dom" />
/** Work that goes on while the page is shown. A browser has six connections to an origin for all of its tabs. */

/** A hidden page may go on for so long, in milliseconds: a look at another tab ends nothing. */
const HIDDEN_MS_MAX = 30_000;

/** A document, as far as its visibility goes. */
export interface Visibility {
  readonly visibilityState: "visible" | "hidden" | "prerender";
  addEventListener(type: "visibilitychange", listener: () => void, options?: { signal: AbortSignal }): void;
}

/**
 * Runs `work` while the page is shown: its signal aborts 30 s after the page was hidden, and it runs again when the page is
 * shown. Ends when `work` returns without having been stopped, or with `signal`.
 */
export async function whileVisible(
  page: Visibility,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
  hiddenMsMax = HIDDEN_MS_MAX,
): Promise<void> {
  while (!signal.aborted) {
    await shown(page, signal);
    if (signal.aborted) return;
    const run = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const watched = new AbortController();
    page.addEventListener("visibilitychange", () => {
      clearTimeout(timer);
      if (page.visibilityState === "hidden") timer = setTimeout(() => run.abort(), hiddenMsMax);
    }, { signal: watched.signal });
    try {
      await work(AbortSignal.any([signal, run.signal]));
      if (!run.signal.aborted) return;
    } finally {
      clearTimeout(timer);
      watched.abort();
    }
  }
}

function shown(page: Visibility, signal: AbortSignal): Promise<void> {
  if (page.visibilityState !== "hidden" || signal.aborted) return Promise.resolve();
  return new Promise((done) => {
    const watched = new AbortController();
    const check = (): void => {
      if (page.visibilityState === "hidden" && !signal.aborted) return;
      watched.abort();
      done();
    };
    page.addEventListener("visibilitychange", check, { signal: watched.signal });
    signal.addEventListener("abort", check, { signal: watched.signal });
  });
}

/** Waits, or until `signal` aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((done) => {
    const timer = setTimeout(end, ms);
    function end(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      done();
    }
    signal.addEventListener("abort", end);
  });
}
