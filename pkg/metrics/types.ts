/** The instruments of a part, and how each of them is declared. */

/** The values of the labels `L`. Their number is bounded: a code, a method, a region; never an id or a host name. */
export type Labels<L extends string> = Readonly<Record<L, string>>;

interface Described<L extends string> {
  /** With its unit: `_seconds`, `_bytes`, `_total`. */
  readonly name: string;
  /** One sentence, for the scrape and for `docs/operate/metrics.md`. */
  readonly help: string;
  readonly labels: readonly L[];
}

export interface CounterSpec<L extends string = string> extends Described<L> {
  readonly kind: "counter";
}

export interface GaugeSpec<L extends string = string> extends Described<L> {
  readonly kind: "gauge";
}

export interface HistogramSpec<L extends string = string> extends Described<L> {
  readonly kind: "histogram";
  /** Upper bounds, in the unit of the name. */
  readonly buckets: readonly number[];
}

export type MetricSpec = CounterSpec | GaugeSpec | HistogramSpec;

/** Only grows. */
export interface Counter<L extends string> {
  add(labels: Labels<L>, by?: number): void;
}

/** A value that is true now. */
export interface Gauge<L extends string> {
  set(labels: Labels<L>, value: number): void;
  /** These values and no others: labels that are gone end. */
  replace(rows: readonly { readonly labels: Labels<L>; readonly value: number }[]): void;
}

/** Counts values by size. */
export interface Histogram<L extends string> {
  observe(labels: Labels<L>, value: number): void;
}

/** The metrics of one part of the platform. An argument, like a logger: tests read what was counted. */
export interface Metrics {
  counter<L extends string>(spec: CounterSpec<L>): Counter<L>;
  gauge<L extends string>(spec: GaugeSpec<L>): Gauge<L>;
  histogram<L extends string>(spec: HistogramSpec<L>): Histogram<L>;
  /**
   * Brings gauges up to date before each scrape. A reader that fails or takes long costs its own values only; `name` says in
   * the log which one it was. Returns its end.
   */
  onScrape(name: string, read: (signal: AbortSignal) => void | Promise<void>): () => void;
}

export function counter<const L extends string = never>(
  name: string,
  help: string,
  labels: readonly L[] = [],
): CounterSpec<L> {
  return { kind: "counter", name, help, labels };
}

export function gauge<const L extends string = never>(
  name: string,
  help: string,
  labels: readonly L[] = [],
): GaugeSpec<L> {
  return { kind: "gauge", name, help, labels };
}

export function histogram<const L extends string = never>(
  name: string,
  help: string,
  buckets: readonly number[],
  labels: readonly L[] = [],
): HistogramSpec<L> {
  return { kind: "histogram", name, help, buckets, labels };
}

/** Bounds of what answers a waiting caller, in seconds. */
export const CALL_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;
/** Bounds of what runs for a while, such as a build, in seconds. */
export const WORK_SECONDS = [0.05, 0.25, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800] as const;
