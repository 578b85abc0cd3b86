import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { DesiredDeployment } from "../deployment/desired.ts";
import type { Instance, Runtime } from "../runtime/port.ts";

/** The CPU that a deployment's instances use. */
export interface DeploymentUsage {
  readonly deploymentId: string;
  readonly cpuMillicores: number;
  /** The instances that were measured. */
  readonly instances: number;
}

export interface UsageReport {
  readonly runtime: Pick<Runtime, "usage">;
  readonly desired: () => readonly DesiredDeployment[];
  /** The instances as they were reported last. */
  readonly instancesOf: (name: string) => readonly Instance[];
  readonly send: (usages: readonly DeploymentUsage[], signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

const EVERY_MS = 5_000;
/** While the runtime does not say, or the control plane does not take it. */
const FAILED_MS = 30_000;
const ROUND_MS_MAX = 15_000;
/** The control plane takes no more. */
const DEPLOYMENTS_MAX = 10_000;

/** Reports the CPU of deployments that are scaled by it, until `signal` aborts; nothing while there are none. */
export async function reportUsage(report: UsageReport, signal: AbortSignal): Promise<void> {
  const { clock, log, desired } = report;
  let failures = 0;
  while (!signal.aborted) {
    const scaled = desired().filter((each) => each.reportsUsage).slice(0, DEPLOYMENTS_MAX);
    try {
      await reportOnce(report, scaled, AbortSignal.any([signal, AbortSignal.timeout(ROUND_MS_MAX)]));
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      if (failures++ === 0) log.warn("CPU of instances not reported", { error: describeError(error) });
    }
    await clock.sleep(failures > 0 ? FAILED_MS : EVERY_MS, signal).catch(() => undefined);
  }
}

/** An instance that starts uses more than it will: only those that serve count. */
async function reportOnce(
  { runtime, instancesOf, send }: UsageReport,
  scaled: readonly DesiredDeployment[],
  signal: AbortSignal,
): Promise<void> {
  const measured = await runtime.usage?.(scaled, signal) ?? [];
  if (scaled.length === 0) return;
  const byInstance = new Map(measured.map(({ name, cpuMillicores }) => [name, cpuMillicores]));
  const usages = scaled.map(({ name, deploymentId }): DeploymentUsage => {
    const running = instancesOf(name).filter((each) => each.status === "running" && each.task === undefined);
    const known = running.flatMap((each) => byInstance.get(each.name) ?? []);
    const cpuMillicores = known.reduce((sum, each) => sum + each, 0);
    return { deploymentId, cpuMillicores, instances: known.length };
  });
  await send(usages.filter(({ instances }) => instances > 0), signal);
}
