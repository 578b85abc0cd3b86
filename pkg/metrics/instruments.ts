import type * as prom from "prom-client";
import type { Counter, CounterSpec, GaugeSpec, HistogramSpec, Labels, Metrics, MetricSpec } from "./types.ts";

type Library = Pick<typeof prom, "Counter" | "Gauge" | "Histogram">;
type Instrument = prom.Counter | prom.Gauge | prom.Histogram;

/** Label values of one metric, all parts together. More values mean that a label has no bound, which is an error in the code. */
export const SERIES_MAX = 1_000;
const PART = "part";

/** Makes each metric once, and binds it to parts. */
export class Instruments {
  readonly #library: Library;
  readonly #registry: prom.Registry;
  readonly #made = new Map<
    string,
    { readonly spec: MetricSpec; readonly bound: SeriesBound; made: Instrument }
  >();
  #refused: (metric: string) => void = () => undefined;

  constructor(library: Library, registry: prom.Registry) {
    this.#library = library;
    this.#registry = registry;
  }

  /** Counts values that were not taken. */
  onRefused(refused: Counter<"metric">): void {
    this.#refused = (metric) => refused.add({ metric });
  }

  part(part: string): Omit<Metrics, "onScrape"> {
    return {
      counter: <L extends string>(spec: CounterSpec<L>) => {
        const { made, takes } = this.#get(spec, part, (own) => new this.#library.Counter(own));
        // Growth from the first event on is seen only where there was a zero before.
        if (spec.labels.length === 0) made.inc({ part }, 0);
        return {
          add: (labels: Labels<L>, by = 1): void => {
            if (takes(labels)) made.inc({ ...labels, part }, by);
          },
        };
      },
      gauge: <L extends string>(spec: GaugeSpec<L>) => {
        const { made, takes } = this.#get(spec, part, (own) => new this.#library.Gauge(own));
        const shown = new Map<string, Record<string, string>>();
        const set = (labels: Labels<L>, value: number): void => {
          if (takes(labels)) made.set({ ...labels, part }, value);
        };
        return {
          set,
          replace: (rows: readonly { readonly labels: Labels<L>; readonly value: number }[]): void => {
            for (const labels of shown.values()) made.remove(labels);
            shown.clear();
            for (const { labels, value } of rows) {
              set(labels, value);
              shown.set(keyOf(labels), { ...labels, part });
            }
          },
        };
      },
      histogram: <L extends string>(spec: HistogramSpec<L>) => {
        const { made, takes } = this.#get(
          spec,
          part,
          (own) => new this.#library.Histogram({ ...own, buckets: [...spec.buckets] }),
        );
        if (spec.labels.length === 0) made.zero({ part });
        return {
          observe: (labels: Labels<L>, value: number): void => {
            if (takes(labels)) made.observe({ ...labels, part }, value);
          },
        };
      },
    };
  }

  #get<M extends Instrument>(
    spec: MetricSpec,
    part: string,
    make: (own: OwnOptions) => M,
  ): { readonly made: M; readonly takes: (labels: Readonly<Record<string, string>>) => boolean } {
    const { name, help, labels } = spec;
    const known = this.#made.get(name);
    if (known !== undefined && known.spec !== spec) {
      throw new TypeError(`Two metrics are named ${name}: each is declared once`);
    }
    const made = known?.made ??
      make({ name, help, labelNames: [...labels, PART], registers: [this.#registry] });
    const bound = known?.bound ?? new SeriesBound();
    if (known === undefined) this.#made.set(name, { spec, bound, made });
    const refuse = (): boolean => {
      this.#refused(name);
      return false;
    };
    return {
      // The kind of the instrument follows from its spec.
      made: made as M,
      takes: labels.length === 0 ? () => true : (values) => bound.has(part, values) || refuse(),
    };
  }
}

interface OwnOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames: string[];
  readonly registers: prom.Registry[];
}

/** Remembers the label values of one metric, as many as are allowed. */
class SeriesBound {
  readonly #known = new Map<string, Set<string>>();
  #size = 0;

  /** False for label values that are new when there are enough of them. */
  has(part: string, labels: Readonly<Record<string, string>>): boolean {
    let known = this.#known.get(part);
    if (known === undefined) this.#known.set(part, known = new Set());
    const key = keyOf(labels);
    if (known.has(key)) return true;
    if (this.#size >= SERIES_MAX) return false;
    known.add(key);
    this.#size++;
    return true;
  }
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  const values = Object.values(labels);
  const [only] = values;
  return values.length === 1 && only !== undefined ? only : values.join("\u0000");
}
