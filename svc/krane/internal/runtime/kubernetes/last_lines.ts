import { isFault } from "../../../../../pkg/fault/mod.ts";
import { type Cluster, podLogs } from "../../../../../pkg/kube/mod.ts";
import type { Pod } from "./objects.ts";
import { CONTAINER } from "./replica_set.ts";
import { lastEnd } from "./status.ts";

const LINES = 20;
const BYTES_MAX = 64 * 1024;
const READ_MS_MAX = 5_000;

interface Remembered {
  /** The run that they are of. */
  readonly containerId: string;
  readonly lines: readonly string[];
}

/** Reads what the last run of a pod printed last, once per run. */
export class LastLines {
  readonly #cluster: Cluster;
  readonly #pods = new Map<string, Remembered>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Empty when no run has ended, or when its output cannot be had. */
  async of(pod: Pod, signal: AbortSignal): Promise<readonly string[]> {
    const last = lastEnd(pod);
    // Without an id it never was a process, so it has printed nothing.
    if (last === undefined || last.end.containerID === "") return [];
    const containerId = last.end.containerID;
    const known = this.#pods.get(pod.metadata.uid);
    if (known?.containerId === containerId) return known.lines;
    const lines = await this.#read(pod, last.previous, signal);
    if (lines !== undefined) this.#pods.set(pod.metadata.uid, { containerId, lines });
    return lines ?? [];
  }

  forget(pod: Pod): void {
    this.#pods.delete(pod.metadata.uid);
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
