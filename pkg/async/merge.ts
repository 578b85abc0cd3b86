/** Several sources as one. */

interface Taken<T> {
  readonly value: T;
  readonly next: () => void;
}

/**
 * The values of all sources as they come; each source goes on once its value was taken. Ends with the last source, with the
 * first failure, or with the reader: the sources' signal aborts then, and their ends are waited for.
 */
export async function* merge<T>(
  signal: AbortSignal,
  sources: readonly ((signal: AbortSignal) => AsyncIterable<T>)[],
): AsyncGenerator<T> {
  const stop = new AbortController();
  const all = AbortSignal.any([signal, stop.signal]);
  const ready: Taken<T>[] = [];
  let wake = (): void => undefined;
  let left = sources.length;
  let failure: { readonly error: unknown } | undefined;
  const pump = async (source: (signal: AbortSignal) => AsyncIterable<T>): Promise<void> => {
    try {
      for await (const value of source(all)) {
        if (all.aborted) break;
        await new Promise<void>((next) => {
          ready.push({ value, next });
          wake();
        });
      }
    } catch (error) {
      failure ??= { error };
    } finally {
      left--;
      wake();
    }
  };
  const pumps = sources.map(pump);
  try {
    for (;;) {
      const taken = ready.shift();
      if (taken !== undefined) {
        try {
          yield taken.value;
        } finally {
          taken.next();
        }
      } else if (failure !== undefined) throw failure.error;
      else if (left === 0) return;
      else await new Promise<void>((resolve) => wake = resolve);
    }
  } finally {
    stop.abort();
    for (const { next } of ready) next();
    await Promise.all(pumps);
  }
}
