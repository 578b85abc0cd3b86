import {
  CALL_SECONDS,
  counter,
  histogram,
  type Meter,
  meterOf,
  type Metrics,
  WORK_SECONDS,
} from "../metrics/mod.ts";

/** Numbers of workflows. */
export const DURABLE_METRICS = {
  invocations: counter(
    "unkey_invocations_total",
    "Calls of workflows that ended, by the code of their end.",
    [
      "service",
      "handler",
      "code",
    ],
  ),
  attemptSeconds: histogram(
    "unkey_invocation_attempt_seconds",
    "Time of the last attempt of a call; a workflow waits in Restate, not here.",
    WORK_SECONDS,
    ["service", "handler"],
  ),
  tries: counter("unkey_step_tries_total", "Tries of steps, by code; a step that fails is tried again.", [
    "step",
    "code",
  ]),
  seconds: histogram("unkey_step_seconds", "Time of one try of a step.", [...CALL_SECONDS, 120, 600, 1_800], [
    "step",
  ]),
};

/** Counts the workflows of one worker. */
export class DurableMetrics {
  readonly #invocations;
  readonly #attemptSeconds;
  readonly #step;

  constructor(metrics: Metrics) {
    this.#invocations = metrics.counter(DURABLE_METRICS.invocations);
    this.#attemptSeconds = metrics.histogram(DURABLE_METRICS.attemptSeconds);
    this.#step = meterOf(metrics, { ends: DURABLE_METRICS.tries, seconds: DURABLE_METRICS.seconds });
  }

  /** A meter for the tries of a step. */
  step(name: string): Meter {
    return this.#step({ step: stepLabel(name) });
  }

  /** @param target as Restate names it: `service/handler`, or `service/key/handler` */
  ended(target: string, code: string, attemptMs: number): void {
    const service = target.slice(0, target.indexOf("/"));
    const handler = target.slice(target.lastIndexOf("/") + 1);
    this.#invocations.add({ service, handler, code });
    this.#attemptSeconds.observe({ service, handler }, attemptMs / 1_000);
  }
}

/** Names of repeated steps end with their number: all of them are one label. */
export function stepLabel(name: string): string {
  return name.replace(/\s\d+$/, "");
}
