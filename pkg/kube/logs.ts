import { LineCutter, parseStamped } from "../lines/mod.ts";
import type { Cluster } from "./cluster.ts";
import { objectPath, type ObjectRef, PODS } from "./objects.ts";
import { chunks } from "./stream.ts";

/** Which part of a container's output. */
export interface PodLogRange {
  readonly container: string;
  /** The run before the one that is under way or ended last. */
  readonly previous?: boolean;
  /** Only the last so many lines. */
  readonly tail?: number;
  /** From this time on, in nanoseconds; the API counts in seconds, so some lines before it come too. */
  readonly sinceNs?: bigint;
  /** Stay until the container ends. */
  readonly follow?: boolean;
  readonly bytesMax?: number;
}

/** One line that a container printed; Kubernetes does not tell stdout from stderr. */
export interface PodLogLine {
  readonly timeNs: bigint;
  readonly text: string;
}

const NANOSECONDS = 1_000_000_000n;

/**
 * Streams a container's output line by line. A line longer than 65,536 characters is cut, and says so.
 *
 * @throws `not_found` when there is no such pod, `invalid_argument` when its container has not started
 */
export async function* podLogs(
  cluster: Cluster,
  pod: ObjectRef,
  range: PodLogRange,
  signal: AbortSignal,
): AsyncGenerator<PodLogLine> {
  const { sinceNs } = range;
  const response = await cluster.call({
    method: "GET",
    path: `${objectPath(PODS, pod)}/log`,
    query: {
      container: range.container,
      timestamps: "true",
      previous: range.previous === true ? "true" : undefined,
      follow: range.follow === true ? "true" : undefined,
      tailLines: range.tail === undefined ? undefined : String(range.tail),
      limitBytes: range.bytesMax === undefined ? undefined : String(range.bytesMax),
      sinceTime: sinceNs === undefined
        ? undefined
        : new Date(Number(sinceNs / NANOSECONDS) * 1000).toISOString(),
    },
    streamed: range.follow === true,
    signal,
  });
  const cutter = new LineCutter();
  for await (const chunk of chunks(cluster, response, signal)) {
    for (const line of cutter.push(chunk)) yield parseStamped(line);
  }
  for (const line of cutter.end()) yield parseStamped(line);
}
