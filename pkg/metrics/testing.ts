/** A registry for tests, and its values. */
import { systemClock } from "../clock/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import { type MetricsRegistry, openMetrics } from "./registry.ts";
import type { Metrics } from "./types.ts";

export interface TestMetrics extends Disposable {
  readonly metrics: Metrics;
  readonly registry: MetricsRegistry;
  /** The values of a metric by their labels, without `part`: `{ 'code="ok"': 2 }`. */
  read(name: string): Promise<Readonly<Record<string, number>>>;
}

const SAMPLE = /^(\w+)(?:\{([^}]*)\})? (\S+)$/;

export async function testMetrics(part = "test"): Promise<TestMetrics> {
  const registry = await openMetrics({ clock: systemClock(), log: silentLogger() });
  return {
    metrics: registry.part(part),
    registry,
    async read(name) {
      const values: Record<string, number> = {};
      for (const line of (await registry.render()).split("\n")) {
        const [, found, labels = "", value] = line.match(SAMPLE) ?? [];
        if (found !== name) continue;
        const own = labels.split(",").filter((each) => each !== `part="${part}"`).join(",");
        values[own] = Number(value);
      }
      return values;
    },
    [Symbol.dispose]: () => registry.close(),
  };
}
