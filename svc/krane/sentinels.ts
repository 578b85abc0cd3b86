import type { Clock } from "../../pkg/clock/mod.ts";
import type { Logger } from "../../pkg/logger/mod.ts";
import type { Metrics } from "../../pkg/metrics/mod.ts";
import type { Runner } from "../../pkg/runner/mod.ts";
import type { ApplySentinel } from "../../proto/gen/ctrl/v1/cluster_pb.ts";
import type { ControlPlane } from "./control_plane.ts";
import { Controller } from "./internal/control/controller.ts";
import { Reporter } from "./internal/control/reporter.ts";
import { type DesiredSentinel, SENTINELS } from "./internal/sentinel/desired.ts";
import type { SentinelRuntime } from "./internal/sentinel/port.ts";
import { sentinelReport, type SentinelStatus } from "./internal/sentinel/report.ts";
import { meteredActor, meterReports, watchController } from "./metrics.ts";
import type { Result } from "./internal/watch/acknowledger.ts";
import { createWatcher, type Watcher } from "./internal/watch/watcher.ts";

export interface SentinelDeps {
  readonly runtime: SentinelRuntime;
  readonly plane: Pick<ControlPlane, "watchSentinels" | "reportSentinel">;
  readonly acknowledge: (result: Result) => void;
  /** The highest generation in a report of an earlier process of this agent. */
  readonly generationFloor: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export interface SentinelAgent {
  readonly watcher: Pick<Watcher<ApplySentinel>, "cursor" | "observed">;
  readonly reporter: Pick<Reporter<SentinelStatus>, "generation">;
  /** Starts its tasks. */
  start(runner: Runner): void;
}

/**
 * Builds the part of the agent for sentinels. Each process begins with a snapshot: there are few sentinels, and a snapshot
 * repairs any drift.
 */
export function buildSentinelAgent(deps: SentinelDeps, runner: Runner): SentinelAgent {
  const { runtime, plane, acknowledge, generationFloor, clock, log, metrics } = deps;
  const base = { clock, log };
  const reports = meterReports(metrics, "sentinel");
  const reporter = new Reporter<SentinelStatus>({
    ...base,
    send: (report, signal) => reports(() => plane.reportSentinel(sentinelReport(report), signal)),
    generationFloor,
  });
  runner.defer("sentinel reporter", () => reporter.close());
  // Their pods drain by themselves.
  const controller = new Controller<DesiredSentinel, SentinelStatus>({
    ...base,
    actor: meteredActor(runtime, metrics),
    reporter,
    drainMs: 0,
  });
  runner.defer("sentinel controller", () => controller.close());
  watchController(controller, "sentinel", metrics);
  const watcher = createWatcher<ApplySentinel, DesiredSentinel>({
    ...base,
    metrics,
    kind: SENTINELS,
    open: plane.watchSentinels,
    controller,
    acknowledge,
    managed: async (signal) =>
      (await runtime.managed(signal)).map(({ name, sentinelId }) => ({ name, resourceId: sentinelId })),
    onConnected: () => reporter.resend(),
  });
  return {
    watcher,
    reporter,
    start(tasks) {
      tasks.go("sentinel runtime", (signal) => runtime.watch((name) => controller.changed(name), signal));
      tasks.go("sentinel watch", (signal) => watcher.run(signal));
    },
  };
}
