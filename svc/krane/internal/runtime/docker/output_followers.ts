import { describeError, isFault } from "../../../../../pkg/fault/mod.ts";
import { type Container, containerLogs, type Engine } from "../../../../../pkg/docker/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import type { OutputSink } from "../port.ts";

interface Follower {
  startedAt: string;
  active: boolean;
  done: Promise<void>;
  /** The time of the last line read, and how many lines had it. */
  lastNs: bigint | undefined;
  sameTime: number;
}

/** Reads what containers print, each from where it was left, and hands it on line by line. */
export class OutputFollowers {
  readonly #engine: Engine;
  readonly #sink: OutputSink;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #followers = new Map<string, Follower>();

  constructor(options: { engine: Engine; sink: OutputSink; log: Logger }) {
    this.#engine = options.engine;
    this.#sink = options.sink;
    this.#log = options.log;
  }

  /** Follows one run of a container, once. A run ends with its container; the next one is another. */
  ensure(container: Pick<Container, "id" | "name" | "state">, deploymentId: string): void {
    const { id, name, state } = container;
    if (this.#stop.signal.aborted || state.status === "created") return;
    const known = this.#followers.get(id);
    if (known !== undefined && (known.active || known.startedAt === state.startedAt)) return;
    const follower = known ?? {
      startedAt: "",
      active: false,
      done: Promise.resolve(),
      lastNs: this.#sink.resumeFrom(name),
      sameTime: 0,
    };
    follower.startedAt = state.startedAt;
    follower.active = true;
    this.#followers.set(id, follower);
    follower.done = this.#follow(id, name, deploymentId, follower);
  }

  /** Resolves when all that a stopped container printed has been read. */
  async finished(id: string): Promise<void> {
    await this.#followers.get(id)?.done;
  }

  forget(id: string): void {
    this.#followers.delete(id);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#followers.values()].map((each) => each.done));
  }

  async #follow(id: string, instance: string, deploymentId: string, follower: Follower): Promise<void> {
    const { lastNs: since, sameTime: sentCount } = follower;
    const range = { follow: true, ...(since === undefined ? {} : { sinceNs: since }) };
    let [time, next] = [since, 0];
    try {
      for await (const line of containerLogs(this.#engine, id, range, this.#stop.signal)) {
        if (since !== undefined && line.timeNs < since) continue;
        if (line.timeNs !== time) [time, next] = [line.timeNs, 0];
        const ordinal = next++;
        // Lines of the last known time come again, in the same order: their ordinals show which were handed on.
        if (line.timeNs === since && ordinal < sentCount) continue;
        this.#sink.push({ ...line, instance, deploymentId, ordinal });
        follower.lastNs = line.timeNs;
        follower.sameTime = next;
      }
    } catch (error) {
      const expected = this.#stop.signal.aborted || isFault(error, "not_found");
      if (!expected) this.#log.warn("output follower failed", { instance, error: describeError(error) });
      // The next look at this container follows it again.
      follower.startedAt = "";
    } finally {
      follower.active = false;
    }
  }
}
