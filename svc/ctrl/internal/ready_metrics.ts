import { gauge, type Metrics } from "../../../pkg/metrics/mod.ts";

/** Of api and worker. */
export const READY_METRICS = {
  ready: gauge("unkey_ready", "1 while the process can do its work."),
};

/** Asks before each scrape whether the process can do its work. */
export function watchReadiness(metrics: Metrics, isReady: () => Promise<boolean>): void {
  const ready = metrics.gauge(READY_METRICS.ready);
  metrics.onScrape("readiness", async () => ready.set({}, await isReady() ? 1 : 0));
}
