import type { Clock } from "../../../../../pkg/clock/mod.ts";
import { describeError, isFault } from "../../../../../pkg/fault/mod.ts";
import { type Container, containerLogs, type Engine, type LogRange } from "../../../../../pkg/docker/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import { FloodMeter } from "../../logs/flood.ts";
import { OutputPosition } from "../../logs/position.ts";
import { gapAfter, type OutputEnds, StallCheck, type StallMemory } from "../../logs/stall.ts";
import type { OutputLine, OutputSink } from "../port.ts";

export interface OutputFollowersOptions {
  readonly engine: Engine;
  readonly sink: OutputSink;
  readonly clock: Clock;
  readonly log: Logger;
}

const NANOSECONDS = 1_000_000n;
/** A read that brings less has caught up with the app. */
const CAUGHT_UP_BYTES = 1_000_000;
const PAUSE_MS = 500;
/** An app that never stops to print so fast leaves time for all others: reading it takes a tenth of the time. */
const PAUSE_FACTOR = 9;
const PAUSE_MS_MAX = 30_000;

interface Follower {
  readonly id: string;
  readonly instance: string;
  readonly deploymentId: string;
  readonly position: OutputPosition;
  readonly stalls: StallMemory;
  startedAt: string;
  active: boolean;
  done: Promise<void>;
  /** Aborted at the end of the run: the rest is read without a pause, since its container is removed soon. */
  ended: AbortController;
}

/** Reads what containers print, each from where it was left, and hands it on line by line. */
export class OutputFollowers {
  readonly #options: OutputFollowersOptions;
  readonly #stop = new AbortController();
  readonly #followers = new Map<string, Follower>();

  constructor(options: OutputFollowersOptions) {
    this.#options = options;
  }

  /** Follows one run of a container, once. A run ends with its container; the next one is another. */
  ensure(container: Pick<Container, "id" | "name" | "state">, deploymentId: string): void {
    const { id, name, state } = container;
    if (this.#stop.signal.aborted || state.status === "created") return;
    const known = this.#followers.get(id);
    if (known !== undefined && (known.active || known.startedAt === state.startedAt)) return;
    const follower = known ?? {
      id,
      instance: name,
      deploymentId,
      position: new OutputPosition(this.#options.sink.resumeFrom(name)),
      stalls: {},
      startedAt: "",
      active: false,
      done: Promise.resolve(),
      ended: new AbortController(),
    };
    follower.ended = new AbortController();
    follower.startedAt = state.startedAt;
    follower.active = true;
    this.#followers.set(id, follower);
    follower.done = this.#follow(follower);
  }

  /** Resolves when all that a stopped container printed has been read. */
  async finished(id: string): Promise<void> {
    const follower = this.#followers.get(id);
    follower?.ended.abort();
    await follower?.done;
  }

  /** Puts a line of the agent's own into the output of an instance. */
  note(instance: string, atMs: number, text: string): void {
    const follower = [...this.#followers.values()].findLast((each) => each.instance === instance);
    if (follower === undefined || this.#stop.signal.aborted) return;
    const { deploymentId, position } = follower;
    const place = position.insert(BigInt(atMs) * NANOSECONDS);
    this.#own({ ...place, instance, deploymentId, text: `(unkey: ${text})` });
  }

  #own(line: Omit<OutputLine, "stream" | "isOwn">): void {
    this.#options.sink.push({ ...line, stream: "stderr", isOwn: true });
  }

  forget(id: string): void {
    this.#followers.delete(id);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#followers.values()].map((each) => each.done));
  }

  async #follow(follower: Follower): Promise<void> {
    const { engine, log } = this.#options;
    const { id, instance } = follower;
    const ends = endsOf(engine, id);
    try {
      for (;;) {
        const end = await this.#read(follower, ends);
        if (end === "ended") break;
        const isMissing = await this.#markGap(follower, ends);
        if (end === "stalled") {
          log.warn("output follower stood still", { instance, lines_missing: isMissing });
        } else await this.#catchUp(follower, ends);
      }
    } catch (error) {
      const expected = this.#stop.signal.aborted || isFault(error, "not_found");
      if (!expected) log.warn("output follower failed", { instance, error: describeError(error) });
      // The next look at this container follows it again.
      follower.startedAt = "";
    } finally {
      follower.active = false;
    }
  }

  /** Puts a line in place of those that the engine has removed before they were read. True: there were some. */
  async #markGap({ position, instance, deploymentId }: Follower, ends: OutputEnds): Promise<boolean> {
    const gap = await gapAfter(position.lastNs, ends, this.#stop.signal);
    if (gap !== undefined) {
      this.#own({ ...position.insert(gap.timeNs), instance, deploymentId, text: gap.text });
    }
    return gap !== undefined;
  }

  /**
   * Reads what the engine has, again and again until little is left. Such a read has all files from its beginning, where a
   * reader that follows jumps to the newest file when two of them were rotated in the meantime.
   */
  async #catchUp(follower: Follower, ends: OutputEnds): Promise<void> {
    const { engine, clock } = this.#options;
    const { signal } = this.#stop;
    for (let bytes = Infinity; bytes > CAUGHT_UP_BYTES;) {
      const [since, sinceMs] = [follower.position.lastNs, clock.now()];
      follower.position.begin();
      bytes = 0;
      for await (const line of containerLogs(engine, follower.id, rangeFrom(since), signal)) {
        if (this.#push(follower, line)) bytes += line.text.length + 1;
      }
      await this.#markGap(follower, ends);
      const pauseMs = Math.min(PAUSE_FACTOR * (clock.now() - sinceMs), PAUSE_MS_MAX);
      if (bytes > CAUGHT_UP_BYTES) await this.#pause(follower, Math.max(PAUSE_MS, pauseMs));
    }
  }

  async #pause({ ended }: Follower, waitMs: number): Promise<void> {
    const { signal } = this.#stop;
    await this.#options.clock.sleep(waitMs, AbortSignal.any([signal, ended.signal])).catch(() =>
      signal.throwIfAborted()
    );
  }

  /** Reads to the end of the run, until the stream stands still, or until rotation may overtake it. */
  async #read(follower: Follower, ends: OutputEnds): Promise<"ended" | "stalled" | "flooded"> {
    const { engine, clock } = this.#options;
    const { id, position } = follower;
    const since = position.lastNs;
    const check = new StallCheck(clock, ends, { readNs: since, memory: follower.stalls });
    const [ended, stalled] = [new AbortController(), new AbortController()];
    const watch = check.untilStalled(AbortSignal.any([this.#stop.signal, ended.signal]))
      .then((isStalled) => isStalled && stalled.abort());
    const flood = new FloodMeter();
    position.begin();
    try {
      const signal = AbortSignal.any([this.#stop.signal, stalled.signal]);
      for await (const line of containerLogs(engine, id, { follow: true, ...rangeFrom(since) }, signal)) {
        check.took(line.timeNs);
        if (this.#push(follower, line) && flood.took(line.text.length + 1, clock.now())) return "flooded";
      }
      return "ended";
    } catch (error) {
      if (this.#stop.signal.aborted || !stalled.signal.aborted) throw error;
      return "stalled";
    } finally {
      ended.abort();
      await watch;
    }
  }

  /** False for a line that was read before. */
  #push(
    follower: Follower,
    { timeNs, stream, text }: Pick<OutputLine, "timeNs" | "stream" | "text">,
  ): boolean {
    const { instance, deploymentId, position } = follower;
    const place = position.take(timeNs);
    if (place === undefined) return false;
    this.#options.sink.push({ ...place, instance, deploymentId, stream, text });
    return true;
  }
}

function rangeFrom(sinceNs: bigint | undefined): LogRange {
  return sinceNs === undefined ? {} : { sinceNs };
}

function endsOf(engine: Engine, id: string): OutputEnds {
  const timeOfFirst = async (range: LogRange, signal: AbortSignal): Promise<bigint | undefined> => {
    for await (const { timeNs } of containerLogs(engine, id, range, signal)) return timeNs;
    return undefined;
  };
  return {
    firstNs: (signal) => timeOfFirst({}, signal),
    lastNs: (signal) => timeOfFirst({ tail: 1 }, signal),
  };
}
