import type { Clock } from "../../../../../pkg/clock/mod.ts";
import { describeError, isFault } from "../../../../../pkg/fault/mod.ts";
import { type Cluster, type PodLogLine, type PodLogRange, podLogs } from "../../../../../pkg/kube/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import { backoffMs } from "../../../../../pkg/retry/mod.ts";
import { Semaphore } from "../../../../../pkg/async/mod.ts";
import { type LinePlace, OutputPosition } from "../../logs/position.ts";
import { gapAfter, type OutputEnds, StallCheck, type StallMemory } from "../../logs/stall.ts";
import type { OutputLine, OutputSink } from "../port.ts";
import { LABEL } from "./labels.ts";
import type { Pod } from "./objects.ts";
import { CONTAINER } from "./replica_set.ts";
import { appStatus, endOf, isTerminating, lastEnd } from "./status.ts";
import { isTask } from "./task_pod.ts";

export interface OutputFollowersOptions {
  readonly cluster: Cluster;
  readonly sink: OutputSink;
  readonly clock: Clock;
  readonly log: Logger;
  /** True for a node that has no time to spare; the first lines of its pods can come a little later then. */
  readonly isBusy: (nodeName: string) => boolean;
  /** Pods that are read at a time; the others take turns. */
  readonly parallelMax?: number;
}

const PARALLEL_MAX = 200;
/** One pod is read for so long while others wait for their turn. */
const TURN_MS = 5_000;
/** The output of a pod that is gone may still come for so long. */
const LAST_WORDS_MS = 2_000;
const NANOSECONDS = 1_000_000n;
const RETRY_FIRST_MS = 500;
const RETRY_MS_MAX = 30_000;
/** A busy node is left alone for so long. */
const QUIET_MS_MAX = 10_000;
const QUIET_POLL_MS = 500;
/** Enough for the time of a line. */
const FIRST_LINE_BYTES_MAX = 1_024;

interface Follower {
  pod: Pod;
  /** The runs that have been read to their end. */
  readonly finished: Set<string>;
  /** The last run whose end was reported in the output. */
  notedRun: string;
  readonly stop: AbortController;
  active: boolean;
  readonly position: OutputPosition;
  readonly stalls: StallMemory;
  done: Promise<void>;
}

interface Run {
  readonly containerId: string;
  readonly previous: boolean;
}

/** Reads what pods print, each from where it was left, run by run, and hands it on line by line. */
export class OutputFollowers {
  readonly #options: OutputFollowersOptions;
  readonly #slots: Semaphore;
  readonly #stop = new AbortController();
  readonly #followers = new Map<string, Follower>();
  readonly #leaving = new Set<Promise<void>>();
  #waiting = 0;

  constructor(options: OutputFollowersOptions) {
    this.#options = options;
    this.#slots = new Semaphore({ permits: options.parallelMax ?? PARALLEL_MAX });
  }

  /** Takes the newest state of a pod; reads what it has not read yet. */
  ensure(pod: Pod): void {
    if (this.#stop.signal.aborted) return;
    const { uid, name } = pod.metadata;
    const follower = this.#followers.get(uid) ?? {
      pod,
      finished: new Set<string>(),
      notedRun: "",
      stop: new AbortController(),
      active: false,
      done: Promise.resolve(),
      position: new OutputPosition(this.#options.sink.resumeFrom(name)),
      stalls: {},
    };
    this.#followers.set(uid, follower);
    follower.pod = pod;
    this.#noteEnd(follower);
    if (follower.active || nextRun(follower) === undefined) return;
    follower.active = true;
    follower.done = this.#follow(follower);
  }

  /** A pod is gone; its last words may still be on their way. */
  forget(pod: Pod): void {
    const { name, uid } = pod.metadata;
    const follower = this.#followers.get(uid);
    if (follower === undefined) return;
    this.#followers.delete(uid);
    const leaving = this.#leave(follower, name).finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#followers.values()].map((each) => each.done));
    await Promise.all(this.#leaving);
  }

  async #leave(follower: Follower, name: string): Promise<void> {
    const { clock, sink } = this.#options;
    const late = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, late.signal]);
    await Promise.race([follower.done, clock.sleep(LAST_WORDS_MS, signal).catch(() => undefined)]);
    late.abort();
    follower.stop.abort();
    await follower.done;
    sink.forget(name);
  }

  async #follow(follower: Follower): Promise<void> {
    const { clock, log } = this.#options;
    const signal = AbortSignal.any([this.#stop.signal, follower.stop.signal]);
    let failures = 0;
    try {
      await this.#untilQuiet(follower, signal);
      for (let run = nextRun(follower); run !== undefined && !signal.aborted; run = nextRun(follower)) {
        const outcome = await this.#turn(follower, run, signal);
        if (outcome === "read") failures = 0;
        if (outcome !== "failed") continue;
        await clock.sleep(backoffMs(++failures, RETRY_FIRST_MS, RETRY_MS_MAX), signal).catch(() => undefined);
      }
    } catch (error) {
      log.warn("output follower failed", {
        instance: follower.pod.metadata.name,
        error: describeError(error),
      });
    } finally {
      follower.active = false;
    }
  }

  /** A reader costs its node about as much as a tenth of a start, so that many make the last of many pods late. */
  async #untilQuiet(follower: Follower, signal: AbortSignal): Promise<void> {
    const { clock, isBusy } = this.#options;
    for (let waitedMs = 0; waitedMs < QUIET_MS_MAX; waitedMs += QUIET_POLL_MS) {
      const { pod } = follower;
      if (signal.aborted || isTerminating(pod) || !isBusy(pod.spec.nodeName)) return;
      await clock.sleep(QUIET_POLL_MS, signal).catch(() => undefined);
    }
  }

  /** Reads one run until it ends, or until its turn is over while other pods wait. */
  async #turn(follower: Follower, run: Run, signal: AbortSignal): Promise<"read" | "turn over" | "failed"> {
    this.#waiting++;
    return await this.#slots.run(async () => {
      this.#waiting--;
      if (signal.aborted) return "turn over";
      const over = new AbortController();
      const timer = setInterval(() => this.#waiting > 0 && over.abort(), TURN_MS);
      try {
        await this.#read(follower, run, AbortSignal.any([signal, over.signal]));
        follower.finished.add(run.containerId);
        this.#noteEnd(follower);
        return "read";
      } catch (error) {
        if (over.signal.aborted || signal.aborted) return "turn over";
        if (!isFault(error)) throw error;
        // It has been cleaned up, or there is nothing of it any more.
        const lost = run.previous || isFault(error, "not_found");
        if (lost) follower.finished.add(run.containerId);
        return lost ? "turn over" : "failed";
      } finally {
        clearInterval(timer);
      }
    });
  }

  /** Reads a run to its end; begins anew when the stream stands still. */
  async #read(follower: Follower, run: Run, signal: AbortSignal): Promise<void> {
    const { position, pod } = follower;
    const ends = endsOf(this.#options.cluster, pod);
    while (await this.#readStream(follower, run, ends, signal) === "stalled") {
      const gap = await gapAfter(position.lastNs, ends, signal);
      this.#options.log.warn("output follower stood still", {
        instance: pod.metadata.name,
        lines_missing: gap !== undefined,
      });
      if (gap === undefined) continue;
      this.#hand(follower, position.insert(gap.timeNs), { text: gap.text, isOwn: true });
    }
  }

  async #readStream(
    follower: Follower,
    run: Run,
    ends: OutputEnds,
    signal: AbortSignal,
  ): Promise<"ended" | "stalled"> {
    const { cluster, clock } = this.#options;
    const { position, pod } = follower;
    const since = position.lastNs;
    const range: PodLogRange = {
      container: CONTAINER,
      ...(run.previous ? { previous: true } : { follow: true }),
      ...(since === undefined ? {} : { sinceNs: since }),
    };
    const check = new StallCheck(clock, ends, { readNs: since, memory: follower.stalls });
    const [ended, stalled] = [new AbortController(), new AbortController()];
    const watch = run.previous ? undefined : check.untilStalled(AbortSignal.any([signal, ended.signal]))
      .then((isStalled) => isStalled && stalled.abort());
    position.begin();
    try {
      const until = AbortSignal.any([signal, stalled.signal]);
      for await (const line of podLogs(cluster, pod.metadata, range, until)) {
        check.took(line.timeNs);
        this.#push(follower, line);
      }
      return "ended";
    } catch (error) {
      if (signal.aborted || !stalled.signal.aborted) throw error;
      return "stalled";
    } finally {
      ended.abort();
      await watch;
    }
  }

  #push(follower: Follower, { timeNs, text }: PodLogLine): void {
    const place = follower.position.take(timeNs);
    if (place !== undefined) this.#hand(follower, place, { text });
  }

  /** Reports the end of a run behind its last line. For an app that is to end it reports nothing. */
  #noteEnd(follower: Follower): void {
    const { pod, position, finished, notedRun } = follower;
    const run = lastEnd(pod)?.end.containerID ?? "";
    if (run === "" || run === notedRun || !finished.has(run) || isTerminating(pod) || isTask(pod)) return;
    const end = endOf(pod, this.#options.clock.now());
    if (end === undefined) return;
    follower.notedRun = run;
    const text = `(unkey: ${end.message})`;
    this.#hand(follower, position.insert(BigInt(end.atMs) * NANOSECONDS), { text, isOwn: true });
  }

  #hand({ pod }: Follower, place: LinePlace, line: Pick<OutputLine, "text" | "isOwn">): void {
    const { labels, name } = pod.metadata;
    const deploymentId = labels[LABEL.deployment] ?? labels[LABEL.taskOf] ?? "";
    this.#options.sink.push({ ...place, ...line, deploymentId, instance: name, stream: "stdout" });
  }
}

function endsOf(cluster: Cluster, pod: Pod): OutputEnds {
  const timeOfFirst = async (
    range: Omit<PodLogRange, "container">,
    signal: AbortSignal,
  ): Promise<bigint | undefined> => {
    const lines = podLogs(cluster, pod.metadata, { container: CONTAINER, ...range }, signal);
    for await (const { timeNs } of lines) return timeNs;
    return undefined;
  };
  return {
    firstNs: (signal) => timeOfFirst({ bytesMax: FIRST_LINE_BYTES_MAX }, signal),
    lastNs: (signal) => timeOfFirst({ tail: 1 }, signal),
  };
}

/** The oldest run that has not been read to its end; the API has the present one and the one before. */
function nextRun({ pod, finished }: Follower): Run | undefined {
  const app = appStatus(pod);
  if (app === undefined) return undefined;
  const before = app.lastState.terminated?.containerID ?? "";
  if (before !== "" && !finished.has(before)) return { containerId: before, previous: true };
  const present = app.state.running !== undefined ? app.containerID : app.state.terminated?.containerID ?? "";
  if (present === "" || finished.has(present)) return undefined;
  return { containerId: present, previous: false };
}
