import { z } from "zod";
import type { CoreV1Event } from "@kubernetes/client-node";
import type { Clock } from "../../../../../pkg/clock/mod.ts";
import { describeError, isFault } from "../../../../../pkg/fault/mod.ts";
import { type Cluster, EVENTS, type FieldsOf, listObjects, Metadata } from "../../../../../pkg/kube/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import type { Pod } from "./objects.ts";
import { nodeRefusal, type Refusal } from "./refusals.ts";
import { isBeingStarted } from "./status.ts";

/** The fields of an event that are kept. */
const Event = z.object(
  {
    metadata: Metadata,
    type: z.string().default(""),
    reason: z.string().default(""),
    message: z.string().default(""),
    lastTimestamp: z.string().nullish(),
    eventTime: z.string().nullish(),
  } satisfies FieldsOf<CoreV1Event>,
);
type Event = z.output<typeof Event>;

/** A pod that its node makes for longer may be in trouble; only events tell. */
const STUCK_MS = 1_500;
/** The events of a pod are read again after a quarter of its age, within these bounds. */
const AGAIN_MS_MIN = 1_500;
const AGAIN_MS_MAX = 15_000;
const READ_MS_MAX = 5_000;

/** The trouble of a pod, and when to look at it again. */
export interface Stuck {
  readonly refusal?: Refusal;
  readonly againMs: number;
}

interface Remembered {
  readonly readAtMs: number;
  readonly againMs: number;
  readonly refusal?: Refusal;
}

/**
 * Reads why a node does not come to start a pod: a sandbox or a mount that fails is shown by events and nowhere else.
 * Only pods that are stuck are asked about, each less and less often.
 */
export class StuckPods {
  readonly #deps: { readonly cluster: Cluster; readonly clock: Clock; readonly log: Logger };
  readonly #pods = new Map<string, Remembered>();
  #isDenied = false;

  constructor(deps: { readonly cluster: Cluster; readonly clock: Clock; readonly log: Logger }) {
    this.#deps = deps;
  }

  /** `undefined` for a pod that its node does not make now. */
  async of(pod: Pod, signal: AbortSignal): Promise<Stuck | undefined> {
    const { uid } = pod.metadata;
    if (!isBeingStarted(pod)) return void this.#pods.delete(uid);
    const nowMs = this.#deps.clock.now();
    const ageMs = nowMs - (Date.parse(pod.metadata.creationTimestamp) || nowMs);
    // Times of objects are whole seconds, cut off.
    if (ageMs < STUCK_MS + 1_000) return { againMs: STUCK_MS + 1_000 - Math.max(0, ageMs) };
    const known = this.#pods.get(uid);
    const leftMs = known === undefined ? 0 : known.readAtMs + known.againMs - nowMs;
    if (known !== undefined && leftMs > 0) return { ...known, againMs: leftMs };
    const found = await this.#read(pod, signal);
    const refusal = found === "unknown" ? known?.refusal : found;
    const againMs = Math.min(AGAIN_MS_MAX, Math.max(AGAIN_MS_MIN, ageMs / 4));
    this.#pods.set(uid, { readAtMs: nowMs, againMs, ...(refusal === undefined ? {} : { refusal }) });
    return { againMs, ...(refusal === undefined ? {} : { refusal }) };
  }

  forget(pod: Pod): void {
    this.#pods.delete(pod.metadata.uid);
  }

  async #read({ metadata }: Pod, signal: AbortSignal): Promise<Refusal | "unknown" | undefined> {
    const { cluster, log } = this.#deps;
    const { namespace, uid } = metadata;
    const selection = { namespace, labels: {}, fields: { "involvedObject.uid": uid, type: "Warning" } };
    const limit = AbortSignal.any([signal, AbortSignal.timeout(READ_MS_MAX)]);
    try {
      const { items } = await listObjects(cluster, EVENTS, selection, { schema: Event, signal: limit });
      this.#isDenied = false;
      return items.toSorted((a, b) => timeOf(b) - timeOf(a)).flatMap((each) => nodeRefusal(each) ?? [])[0];
    } catch (error) {
      signal.throwIfAborted();
      if (!limit.aborted && !isFault(error)) throw error;
      // An agent of before has no right to read events: its pods are reported without them.
      if (!this.#isDenied) log.warn("events of pods cannot be read", { error: describeError(error) });
      this.#isDenied = true;
      return "unknown";
    }
  }
}

function timeOf({ lastTimestamp, eventTime, metadata }: Event): number {
  return Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp) || 0;
}
