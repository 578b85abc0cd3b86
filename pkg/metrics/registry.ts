import type { Registry as PromRegistry } from "prom-client";
import type { Clock } from "../clock/mod.ts";
import { describeError } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";
import { Instruments } from "./instruments.ts";
import { NO_METRICS } from "./none.ts";
import { type ProcessReader, watchProcess } from "./process.ts";
import { counter, histogram, type Metrics } from "./types.ts";

export interface RegistryOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Instead of this process, for tests. */
  readonly process?: ProcessReader;
  /** Overrides for tests. */
  readonly readMsMax?: number;
}

/** Numbers about the scrapes themselves. */
export const SCRAPE_METRICS = {
  failures: counter("unkey_metrics_read_failures_total", "Readers of values that failed before a scrape.", [
    "reader",
  ]),
  refused: counter(
    "unkey_metrics_series_refused_total",
    "Values that were not counted because their metric has too many label values.",
    ["metric"],
  ),
  seconds: histogram("unkey_metrics_read_seconds", "Time to read all values before a scrape.", [
    0.005,
    0.025,
    0.1,
    0.5,
    2.5,
    10,
  ]),
};

/** A scraper gives up after ten seconds, unless it is set otherwise. */
const READ_MS_MAX = 5_000;

/** All numbers of a process, of which each part writes its own. */
export interface MetricsRegistry {
  /** The metrics of one part, which all have the label `part`. */
  part(name: string): Metrics;
  /** Everything in Prometheus' text format. Scrapes at the same time share one reading. */
  render(): Promise<string>;
  readonly contentType: string;
  /** Ends the sampling of the process. */
  close(): void;
}

/** Opens a registry. The library is loaded here, so that a process without metrics does not pay for it. */
export async function openMetrics(options: RegistryOptions): Promise<MetricsRegistry> {
  const library = (await import("prom-client")).default;
  const registry = new library.Registry();
  const readers = new Readers(options);
  const instruments = new Instruments(library, registry);
  const part = (name: string): Metrics => ({
    ...instruments.part(name),
    onScrape: (reader, read) => readers.add(reader, read),
  });
  const own = part("process");
  instruments.onRefused(own.counter(SCRAPE_METRICS.refused));
  readers.countIn(own);
  const stop = watchProcess(own, options);
  return new OpenRegistry(registry, { part, readers, stop });
}

interface RegistryParts {
  readonly part: MetricsRegistry["part"];
  readonly readers: Readers;
  readonly stop: () => void;
}

class OpenRegistry implements MetricsRegistry {
  readonly part: MetricsRegistry["part"];
  readonly contentType: string;
  readonly close: () => void;
  readonly #registry: PromRegistry;
  readonly #readers: Readers;
  #rendering: Promise<string> | undefined;

  constructor(registry: PromRegistry, { part, readers, stop }: RegistryParts) {
    this.part = part;
    this.contentType = registry.contentType;
    this.close = stop;
    this.#registry = registry;
    this.#readers = readers;
  }

  render(): Promise<string> {
    return this.#rendering ??= this.#render().finally(() => this.#rendering = undefined);
  }

  async #render(): Promise<string> {
    await this.#readers.run();
    return await this.#registry.metrics();
  }
}

type Read = (signal: AbortSignal) => void | Promise<void>;

interface Reader {
  readonly name: string;
  readonly read: Read;
  failed: boolean;
}

/** The readers of values that no event changes. */
class Readers {
  readonly #options: RegistryOptions;
  readonly #all = new Map<symbol, Reader>();
  #failures = NO_METRICS.counter(SCRAPE_METRICS.failures);
  #seconds = NO_METRICS.histogram(SCRAPE_METRICS.seconds);

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  countIn(metrics: Metrics): void {
    this.#failures = metrics.counter(SCRAPE_METRICS.failures);
    this.#seconds = metrics.histogram(SCRAPE_METRICS.seconds);
  }

  add(name: string, read: Read): () => void {
    const key = Symbol(name);
    this.#all.set(key, { name, read, failed: false });
    return () => void this.#all.delete(key);
  }

  async run(): Promise<void> {
    const startedAtMs = performance.now();
    const done = new AbortController();
    const { clock, readMsMax = READ_MS_MAX } = this.#options;
    const late = clock.sleep(readMsMax, done.signal).then(
      () => done.abort(new Error(`not read within ${readMsMax} ms`)),
      () => undefined, // all of them were read in time
    );
    await Promise.all([...this.#all.values()].map((each) => this.#one(each, done.signal)));
    done.abort();
    await late;
    this.#seconds.observe({}, (performance.now() - startedAtMs) / 1_000);
  }

  async #one(reader: Reader, signal: AbortSignal): Promise<void> {
    try {
      const ended = Promise.withResolvers<never>();
      ended.promise.catch(() => undefined); // the reader was faster
      signal.addEventListener("abort", () => ended.reject(signal.reason), { once: true });
      await Promise.race([reader.read(signal), ended.promise]);
      reader.failed = false;
    } catch (error) {
      this.#failures.add({ reader: reader.name });
      // An outage is one line, not one for each scrape.
      const fields = { reader: reader.name, error: describeError(error) };
      if (!reader.failed) this.#options.log.warn("values for a scrape could not be read", fields);
      reader.failed = true;
    }
  }
}
