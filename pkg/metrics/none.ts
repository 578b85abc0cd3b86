import type { Metrics } from "./types.ts";

const ignore = (): void => undefined;

/** Counts nothing: a process whose metrics are off loads no library for them and keeps no numbers. */
export const NO_METRICS: Metrics = {
  counter: () => ({ add: ignore }),
  gauge: () => ({ set: ignore, replace: ignore }),
  histogram: () => ({ observe: ignore }),
  onScrape: () => ignore,
};
