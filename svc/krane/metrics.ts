import {
  CALL_SECONDS,
  counter,
  gauge,
  histogram,
  type Meter,
  meterOf,
  type Metrics,
  WORK_SECONDS,
} from "../../pkg/metrics/mod.ts";
import type { Actor } from "./internal/control/controller.ts";
import type { DesiredDeployment } from "./internal/deployment/desired.ts";
import type { LogShipper } from "./internal/logs/shipper.ts";
import type { Instance } from "./internal/runtime/port.ts";

/** Numbers of an agent. */
export const KRANE_METRICS = {
  reconciles: counter("unkey_reconciles_total", "Reconciliations and removals of a resource, by code.", [
    "kind",
    "code",
  ]),
  reconcileSeconds: histogram(
    "unkey_reconcile_seconds",
    "Time of a reconciliation or a removal.",
    WORK_SECONDS,
    [
      "kind",
    ],
  ),
  queue: gauge("unkey_reconcile_queue", "Resources that are reconciled now, or wait for their turn.", [
    "kind",
    "state",
  ]),
  resources: gauge("unkey_desired_resources", "Resources that are to run here.", ["kind"]),
  reports: counter("unkey_reports_total", "Reports to the control plane, by code.", ["kind", "code"]),
  reportSeconds: histogram("unkey_report_seconds", "Time of a report.", CALL_SECONDS, ["kind"]),
  instances: gauge("unkey_instances", "Instances of apps, by status.", ["status"]),
  restarts: counter("unkey_instance_restarts_total", "Restarts of instances of apps."),
  outputWaiting: gauge("unkey_output_waiting_chars", "Output of apps that is not shipped yet."),
  outputDropped: counter(
    "unkey_output_dropped_lines_total",
    "Lines of apps that were dropped: too many waited.",
  ),
  standby: gauge("unkey_agent_standby", "1 while another agent of the region acts."),
};

/** Calls of the container runtime. */
export const RUNTIME_METRICS = {
  calls: counter(
    "unkey_runtime_calls_total",
    "Calls of the Docker Engine or of the Kubernetes API, by code.",
    [
      "method",
      "code",
    ],
  ),
  seconds: histogram(
    "unkey_runtime_call_seconds",
    "Time until a call of the Docker Engine or of the Kubernetes API is answered.",
    CALL_SECONDS,
    ["method"],
  ),
};

/** A meter for each call of the container runtime. */
export function meterRuntimeCalls(metrics: Metrics): (method: string) => Meter {
  const meter = meterOf(metrics, { ends: RUNTIME_METRICS.calls, seconds: RUNTIME_METRICS.seconds });
  return (method) => meter({ method });
}

/** A meter for the reports about one kind of resource. */
export function meterReports(metrics: Metrics, kind: string): Meter {
  return meterOf(metrics, { ends: KRANE_METRICS.reports, seconds: KRANE_METRICS.reportSeconds })({ kind });
}

/** An actor whose work is counted. */
export function meteredActor<D, C>(actor: Actor<D, C>, metrics: Metrics): Actor<D, C> {
  const meter = meterOf(metrics, { ends: KRANE_METRICS.reconciles, seconds: KRANE_METRICS.reconcileSeconds })(
    {
      kind: actor.noun,
    },
  );
  return {
    noun: actor.noun,
    async reconcile(desired, signal) {
      // A state that was not reached is an answer, and counts with the code of its failure.
      let answer: Awaited<ReturnType<typeof actor.reconcile>> | undefined;
      await meter(async () => {
        answer = await actor.reconcile(desired, signal);
        if (answer.failure !== undefined) throw answer.failure;
      }).catch((error: unknown) => {
        if (answer === undefined) throw error;
      });
      if (answer === undefined) throw new TypeError("The actor gave no answer");
      return answer;
    },
    remove: (name, signal, limit) => meter(() => actor.remove(name, signal, limit)),
  };
}

/** An actor whose instances are counted: those that there are before each scrape, and their restarts. */
export function countInstances(
  actor: Actor<DesiredDeployment, readonly Instance[]>,
  metrics: Metrics,
): Actor<DesiredDeployment, readonly Instance[]> {
  const restarts = metrics.counter(KRANE_METRICS.restarts);
  const gauge = metrics.gauge(KRANE_METRICS.instances);
  const known = new Map<string, readonly Instance[]>();
  metrics.onScrape("instances", () => {
    const all = [...known.values()].flat().filter(({ task }) => task === undefined);
    const statuses = ["pending", "running", "failed"] as const;
    for (const status of statuses) gauge.set({ status }, all.filter((each) => each.status === status).length);
  });
  return {
    ...actor,
    async reconcile(desired, signal) {
      const observed = await actor.reconcile(desired, signal);
      const before = new Map((known.get(desired.name) ?? []).map((each) => [each.name, each.restarts]));
      for (const { name, restarts: count } of observed.content) {
        // An instance that is new to this process has restarted before it began to count.
        const former = before.get(name) ?? count;
        if (count > former) restarts.add({}, count - former);
      }
      known.set(desired.name, observed.content);
      return observed;
    },
    async remove(name, signal, limit) {
      await actor.remove(name, signal, limit);
      known.delete(name);
    },
  };
}

/** Resources and their queue, of one kind. */
export interface CountedController {
  readonly queue: { readonly running: number; readonly waiting: number };
  desired(): readonly unknown[];
}

/** Reads the queue of a controller before each scrape. */
export function watchController(controller: CountedController, kind: string, metrics: Metrics): void {
  const queue = metrics.gauge(KRANE_METRICS.queue);
  const resources = metrics.gauge(KRANE_METRICS.resources);
  metrics.onScrape(`${kind} controller`, () => {
    queue.set({ kind, state: "running" }, controller.queue.running);
    queue.set({ kind, state: "waiting" }, controller.queue.waiting);
    resources.set({ kind }, controller.desired().length);
  });
}

/** Reads the queue of output before each scrape. */
export function watchOutput(
  shipper: Pick<LogShipper, "waitingChars" | "droppedLines">,
  metrics: Metrics,
): void {
  const waiting = metrics.gauge(KRANE_METRICS.outputWaiting);
  const dropped = metrics.counter(KRANE_METRICS.outputDropped);
  let counted = 0;
  metrics.onScrape("output", () => {
    waiting.set({}, shipper.waitingChars);
    dropped.add({}, shipper.droppedLines - counted);
    counted = shipper.droppedLines;
  });
}
