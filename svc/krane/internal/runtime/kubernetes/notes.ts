import type { Clock } from "../../../../../pkg/clock/mod.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import type { OutputSink } from "../port.ts";
import type { Pod } from "./objects.ts";
import { type Refusal, refusedName } from "./refusals.ts";
import { isFinished, isRunning } from "./status.ts";

const NANOSECONDS = 1_000_000n;
const PODS_MAX = 10;

interface Noted {
  refusal: string | undefined;
  /** Ended pods that were reported, newest last. */
  pods: string[];
}

/** Tells in the output of an app, once each, what its own output cannot: a refusal of the cluster, the end of a pod. */
export class Notes {
  readonly #sink: OutputSink;
  readonly #clock: Clock;
  readonly #noted = new Map<string, Noted>();
  /** The pods whose output has a line about their failing check, by uid. */
  readonly #failing = new Set<string>();

  constructor(sink: OutputSink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  refusal(desired: DesiredDeployment, refusal: Refusal | undefined): void {
    const noted = this.#of(desired.name);
    // A trouble that passes by itself within moments is not worth a line.
    const text = refusal === undefined || PASSING.has(refusal.reason) ? undefined : refusal.message;
    if (noted.refusal === text) return;
    noted.refusal = text;
    this.#push(desired, refusedName(desired.name), text ?? "The cluster takes the app's pods again.");
  }

  /** Evicted, or lost with its node: its successor knows nothing of it. */
  ended(desired: DesiredDeployment, pod: Pod, text: string): void {
    const { name, uid } = pod.metadata;
    const noted = this.#of(desired.name);
    if (!isFinished(pod) || noted.pods.includes(uid)) return;
    noted.pods = [...noted.pods, uid].slice(-PODS_MAX);
    this.#push(desired, name, text);
  }

  /** The health check of a pod fails. @param detail what came back; `undefined`: it does not fail */
  check(desired: DesiredDeployment, pod: Pod, detail: string | undefined): void {
    const { name, uid } = pod.metadata;
    if (this.#failing.has(uid) === (detail !== undefined)) return;
    if (detail === undefined) {
      this.#failing.delete(uid);
      // A pod that has ended does not answer again.
      if (isRunning(pod)) this.#push(desired, name, "the health check succeeds again");
    } else {
      this.#failing.add(uid);
      this.#push(desired, name, `the health check fails${detail === "" ? "" : `: ${detail}`}`);
    }
  }

  gone(pod: Pod): void {
    this.#failing.delete(pod.metadata.uid);
  }

  forget(name: string): void {
    this.#noted.delete(name);
  }

  #of(name: string): Noted {
    const noted = this.#noted.get(name) ?? { refusal: undefined, pods: [] };
    this.#noted.set(name, noted);
    return noted;
  }

  #push({ deploymentId }: DesiredDeployment, instance: string, text: string): void {
    const timeNs = BigInt(this.#clock.now()) * NANOSECONDS;
    this.#sink.push({
      deploymentId,
      instance,
      timeNs,
      ordinal: 0,
      stream: "stderr",
      text: `(unkey: ${text})`,
      isOwn: true,
    });
  }
}

const PASSING: ReadonlySet<Refusal["reason"]> = new Set(["cluster_trouble", "leaving"]);
