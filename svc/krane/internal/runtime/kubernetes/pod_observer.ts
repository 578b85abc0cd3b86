import type { Clock } from "../../../../../pkg/clock/mod.ts";
import type { Cluster } from "../../../../../pkg/kube/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import type { StartTimes } from "../../deployment/start_times.ts";
import type { Instance } from "../port.ts";
import type { FailingChecks } from "./failing_checks.ts";
import { LastLines } from "./last_lines.ts";
import { LeavingPods } from "./leaving_pods.ts";
import type { Notes } from "./notes.ts";
import type { Pod } from "./objects.ts";
import type { KubernetesSettings } from "./settings.ts";
import { appStatus, derivePod, isRunning, isTerminating, isUnhealthy, restartDueMs } from "./status.ts";
import { StuckPods } from "./stuck_pods.ts";

export interface PodObserverOptions {
  readonly cluster: Cluster;
  readonly settings: Pick<KubernetesSettings, "drainMs">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly notes: Notes;
  readonly times: StartTimes;
  readonly checks: Pick<FailingChecks, "detailOf" | "forget" | "of">;
  /** Of a node, as in `linux/amd64`. */
  readonly platformOf: (nodeName: string) => string | undefined;
}

/** The instances of an app's pods, and what is remembered of each pod to tell them. */
export class PodObserver {
  readonly #options: PodObserverOptions;
  readonly #leaving: LeavingPods;
  readonly #lines: LastLines;
  readonly #stuck: StuckPods;
  /** The errors of pulls that were logged, by the pod's uid. */
  readonly #pullErrors = new Map<string, string>();

  constructor(options: PodObserverOptions) {
    const { clock, cluster, settings } = options;
    this.#options = options;
    this.#leaving = new LeavingPods({ clock, drainMs: settings.drainMs });
    this.#lines = new LastLines(cluster, clock);
    this.#stuck = new StuckPods(options);
  }

  /** Called for each change of a pod. */
  saw(pod: Pod): void {
    this.#leaving.saw(pod);
  }

  /** A pod is gone. */
  forget(pod: Pod): void {
    this.#leaving.forget(pod);
    this.#lines.forget(pod);
    this.#stuck.forget(pod);
    this.#pullErrors.delete(pod.metadata.uid);
    this.#options.checks.forget(pod);
    this.#options.notes.gone(pod);
  }

  /** Reports each pod; adds to `again` the times at which to look again without a change, in milliseconds. */
  async observe(
    desired: DesiredDeployment,
    pods: readonly Pod[],
    again: number[],
    signal: AbortSignal,
  ): Promise<Instance[]> {
    const { checks, clock, notes, platformOf } = this.#options;
    const last = this.#leaving.lastOf(pods);
    if (last !== undefined) again.push(last.leftMs);
    const present = [...pods.filter((each) => !isTerminating(each)), ...last === undefined ? [] : [last.pod]];
    const isLast = !present.some(isRunning);
    const instances: Instance[] = [];
    for (const pod of present) {
      this.#takeTimes(desired.name, pod);
      const nowMs = clock.now();
      const failing = isRunning(pod) ? checks.of(pod, desired, nowMs) : undefined;
      const fails = failing !== undefined || isUnhealthy(pod);
      const derived = derivePod({
        pod,
        port: desired.port,
        healthCheck: desired.healthCheck,
        lastLines: isRunning(pod) && failing === undefined ? [] : await this.#lines.of(pod, signal, fails),
        nowMs,
        isLast,
        platform: platformOf(pod.spec.nodeName),
        failing: failing?.detail,
        answered: checks.detailOf(pod),
      });
      const stuck = await this.#stuck.of(pod, signal);
      // A pod whose time is over was just deleted: the cluster reports that by itself.
      const waits = [derived.againMs, failing?.leftMs, stuck?.againMs, restartDueMs(pod, nowMs) || undefined];
      again.push(...waits.filter((each) => each !== undefined));
      this.#logPullError(pod, derived.pullError);
      notes.ended(desired, pod, derived.instance.message);
      notes.check(desired, pod, fails ? failing?.detail ?? checks.detailOf(pod) : undefined);
      instances.push({ ...derived.instance, ...stuck?.refusal });
    }
    return instances;
  }

  /** Kubernetes has times in whole seconds: the arrival of a change is more exact. */
  #takeTimes(name: string, pod: Pod): void {
    const { times } = this.#options;
    const instance = pod.metadata.name;
    if (isRunning(pod) && !times.knows(name, instance)) return;
    times.begin(name, instance);
    if (pod.spec.nodeName !== "") times.reached(name, instance, "schedule");
    if (appStatus(pod)?.state.running !== undefined) times.reached(name, instance, "pull and start");
    if (isRunning(pod)) times.reached(name, instance, "health");
  }

  /** Once, although the pod is looked at again and again. */
  #logPullError({ metadata }: Pod, error: string | undefined): void {
    if (error === undefined || this.#pullErrors.get(metadata.uid) === error) return;
    this.#pullErrors.set(metadata.uid, error);
    this.#options.log.warn("image pull failed", { pod: metadata.name, error });
  }
}
