import type { Clock } from "../../../../../pkg/clock/mod.ts";
import { isFault } from "../../../../../pkg/fault/mod.ts";
import { type Cluster, podLogs } from "../../../../../pkg/kube/mod.ts";
import type { Pod } from "./objects.ts";
import { CONTAINER } from "./replica_set.ts";
import { appStatus, isUnhealthy, lastEnd } from "./status.ts";

const LINES = 20;
const BYTES_MAX = 64 * 1024;
const READ_MS_MAX = 5_000;

interface Remembered {
  /** The run that they are of. */
  readonly containerId: string;
  readonly lines: readonly string[];
}

/** The last lines of the run under way change; a reader reads them again after so long. */
const RECENT_MS = 5_000;

interface Recent {
  readonly readAtMs: number;
  readonly lines: readonly string[];
}

/** Reads what a pod printed last: its last run, once per run, or the run under way while it does not answer. */
export class LastLines {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #pods = new Map<string, Remembered>();
  readonly #recent = new Map<string, Recent>();

  constructor(cluster: Cluster, clock: Clock) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  /** Empty when there is nothing to tell, or when the output cannot be had. */
  async of(pod: Pod, signal: AbortSignal, isFailing = isUnhealthy(pod)): Promise<readonly string[]> {
    const last = lastEnd(pod);
    if (isFailing || last === undefined) return await this.#recentOf(pod, signal);
    // Without an id it never was a process, so it has printed nothing.
    if (last.end.containerID === "") return [];
    const containerId = last.end.containerID;
    const known = this.#pods.get(pod.metadata.uid);
    if (known?.containerId === containerId) return known.lines;
    const lines = await this.#read(pod, last.previous, signal);
    if (lines !== undefined) this.#pods.set(pod.metadata.uid, { containerId, lines });
    return lines ?? [];
  }

  forget(pod: Pod): void {
    this.#pods.delete(pod.metadata.uid);
    this.#recent.delete(pod.metadata.uid);
  }

  async #recentOf(pod: Pod, signal: AbortSignal): Promise<readonly string[]> {
    const startedAtMs = Date.parse(appStatus(pod)?.state.running?.startedAt ?? "");
    const nowMs = this.#clock.now();
    // An app that has just started is not asked why it does not answer yet.
    if (!(nowMs - startedAtMs > RECENT_MS)) return [];
    const known = this.#recent.get(pod.metadata.uid);
    if (known !== undefined && nowMs - known.readAtMs < RECENT_MS) return known.lines;
    const lines = await this.#read(pod, false, signal) ?? [];
    this.#recent.set(pod.metadata.uid, { readAtMs: nowMs, lines });
    return lines;
  }

  async #read(pod: Pod, previous: boolean, signal: AbortSignal): Promise<string[] | undefined> {
    const lines: string[] = [];
    const limit = AbortSignal.any([signal, AbortSignal.timeout(READ_MS_MAX)]);
    const range = { container: CONTAINER, previous, tail: LINES, bytesMax: BYTES_MAX };
    try {
      for await (const { text } of podLogs(this.#cluster, pod.metadata, range, limit)) lines.push(text);
    } catch (error) {
      signal.throwIfAborted();
      // Without its last lines a report is still worth sending.
      if (!limit.aborted && !isFault(error)) throw error;
      return undefined;
    }
    return lines.slice(-LINES);
  }
}
