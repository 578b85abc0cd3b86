import type { CoreV1Event } from "@kubernetes/client-node";
import { z } from "zod";
import type { Clock } from "../../../../../pkg/clock/mod.ts";
import {
  type Cluster,
  EVENTS,
  type FieldsOf,
  Informer,
  Metadata,
  type ObjectRef,
} from "../../../../../pkg/kube/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import type { Pod } from "./objects.ts";
import { probes } from "./probes.ts";
import { appStatus } from "./status.ts";

const DETAIL_CHARS_MAX = 200;

/** The fields of an event that are kept. */
const Event = z.object(
  {
    metadata: Metadata,
    message: z.string().default("").transform((text) => text.slice(0, 1_000)),
    lastTimestamp: z.string().nullish(),
    involvedObject: z.object({
      uid: z.string().default(""),
      namespace: z.string().default(""),
      name: z.string().default(""),
    }),
  } satisfies FieldsOf<CoreV1Event>,
);
type Event = z.output<typeof Event>;

/** Failed checks of one pod, as its node reports them. */
interface Failure {
  readonly detail: string;
  /** By the agent's clock: the first and the last bad answer in a row. */
  readonly sinceMs: number;
  readonly atMs: number;
  /** The last one, by the node's clock, as the start of a run. */
  readonly nodeAtMs: number;
}

/** A failed check that is reported until the next check has its answer. */
export interface FailingCheck {
  readonly detail: string;
  readonly leftMs: number;
}

export interface FailingChecksOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly log: Logger;
  /** A pod has answered badly. */
  readonly onFailure: (pod: ObjectRef) => void;
}

/** A bad answer is reported when a second one follows; a check without an answer at once. */
const REPORT_MS = 1_000;
/** For the way of an event from the node to the agent. */
const SPARE_MS = 2_000;
const SECOND_MS = 1_000;

/**
 * Bad answers to readiness probes, which a node makes events of, while the pod is still ready: its threshold may be seconds
 * away. One watch for all pods. A node sends up to 25 events of a pod at once and then one in five minutes, so that events
 * show the first failures only. They are optional: without the right to watch events, a failure shows at the threshold.
 */
export class FailingChecks {
  readonly #options: FailingChecksOptions;
  readonly #informer: Informer<Event>;
  readonly #failures = new Map<string, Failure>();

  constructor(options: FailingChecksOptions) {
    const { clock, cluster, log } = options;
    this.#options = options;
    this.#informer = new Informer({
      ...{ clock, cluster, log },
      resource: EVENTS,
      selection: { labels: {}, fields: { reason: "Unhealthy", type: "Warning" } },
      schema: Event,
      onChange: (event) => this.#saw(event),
    });
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#informer.run(signal);
  }

  /** The last bad answer of the run under way; empty: none is known. */
  detailOf(pod: Pod): string {
    return this.#of(pod)?.detail ?? "";
  }

  /** The failing check of a pod that is ready. */
  of(
    pod: Pod,
    desired: Pick<DesiredDeployment, "healthCheck" | "port">,
    nowMs: number,
  ): FailingCheck | undefined {
    const failure = this.#of(pod);
    const probe = probes(desired)?.readinessProbe;
    if (failure === undefined || probe === undefined) return undefined;
    const answerMs = SECOND_MS * (probe.timeoutSeconds ?? 1);
    const leftMs = failure.atMs + SECOND_MS * (probe.periodSeconds ?? 1) + answerMs + SPARE_MS - nowMs;
    const lasts = failure.detail === NO_ANSWER || failure.atMs - failure.sinceMs >= REPORT_MS;
    if (leftMs <= 0 || !lasts) return undefined;
    const detail = failure.detail === NO_ANSWER
      ? `${NO_ANSWER} within ${answerMs / SECOND_MS} s`
      : failure.detail;
    return { detail, leftMs };
  }

  forget(pod: Pod): void {
    this.#failures.delete(pod.metadata.uid);
  }

  #of(pod: Pod): Failure | undefined {
    const failure = this.#failures.get(pod.metadata.uid);
    const startedAtMs = Date.parse(appStatus(pod)?.state.running?.startedAt ?? "");
    return failure !== undefined && failure.nodeAtMs >= startedAtMs ? failure : undefined;
  }

  #saw(event: Event): void {
    const detail = detailOf(event.message);
    const { uid } = event.involvedObject;
    const nowMs = this.#options.clock.now();
    const nodeAtMs = Date.parse(event.lastTimestamp ?? event.metadata.creationTimestamp) || nowMs;
    // Events of before the agent's start, and those that the cluster drops after an hour.
    const isOld = !this.#informer.synced && nowMs - nodeAtMs > OLD_MS;
    const known = this.#failures.get(uid);
    if (detail === undefined || isOld || known !== undefined && nodeAtMs <= known.nodeAtMs) return;
    const isInRow = known !== undefined && nowMs - known.atMs < ROW_MS_MAX;
    this.#failures.set(uid, { detail, nodeAtMs, atMs: nowMs, sinceMs: isInRow ? known.sinceMs : nowMs });
    this.#bound();
    this.#options.onFailure(event.involvedObject);
  }

  /** Events of pods that are none of the agent's are kept as well, since it may learn of a pod later. */
  #bound(): void {
    const [oldest] = this.#failures.keys();
    if (oldest !== undefined && this.#failures.size > PODS_MAX) this.#failures.delete(oldest);
  }
}

const PODS_MAX = 10_000;
const OLD_MS = 10_000;
/** Bad answers that lie further apart are two troubles. */
const ROW_MS_MAX = 15_000;
const NO_ANSWER = "no answer";
const READINESS = /Readiness probe (?:failed|errored)[^:]{0,100}: /;

/** A node's words about a failed probe; `undefined`: about another probe. */
function detailOf(message: string): string | undefined {
  const found = READINESS.exec(message);
  if (found === null) return undefined;
  const said = message.slice(found.index + found[0].length).trim();
  const status = /statuscode: (\d{3})/.exec(said)?.[1];
  if (status !== undefined) return `it answered ${status}`;
  if (/deadline exceeded|i\/o timeout|timed out/i.test(said)) return NO_ANSWER;
  if (said.includes("connection refused")) return "connection refused";
  return said.split("\n").at(-1)?.slice(0, DETAIL_CHARS_MAX) ?? "";
}
