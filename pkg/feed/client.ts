import { IdleAbort } from "../async/mod.ts";
import type { Clock } from "../clock/mod.ts";
import { describeError, Fault } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";
import { codeOf, type Counter, type Metrics, NO_METRICS } from "../metrics/mod.ts";
import { backoffMs } from "../retry/mod.ts";
import { WATCH_METRICS } from "./metrics.ts";
import { Progress } from "./progress.ts";
import { ResourceVersions } from "./resource_versions.ts";
import { Session } from "./session.ts";
import type { FeedChange, FeedConsumer, FeedMessage } from "./types.ts";

export interface FeedTimes {
  /** A stream without messages for so long is aborted: several heartbeats of the server. */
  readonly heartbeatTimeoutMs: number;
  readonly retryFirstMs: number;
  readonly retryMsMax: number;
}

/** `M` is a message of the stream, `C` a change after decoding. */
export interface FeedClientOptions<M, C> {
  /** For logs: the noun of the watched resources. */
  readonly name: string;
  /** Opens the stream after a version; 0 asks for a snapshot. */
  readonly open: (cursor: number, signal: AbortSignal) => AsyncIterable<M>;
  readonly decode: (message: M) => FeedMessage<C>;
  readonly consumer: FeedConsumer<C>;
  readonly times: FeedTimes;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
}

/** Ends the request of a stream that is not read to its end: an iterator of a response does not. */
const LEFT = Symbol("left");

/** Follows one watch stream by the rules of this package. */
export class FeedClient<M, C> {
  readonly #options: FeedClientOptions<M, C>;
  readonly #progress = new Progress();
  readonly #versions = new ResourceVersions();
  #isConnected = false;
  #failures = 0;
  #isOutage = false;
  readonly #ends: Counter<"watch" | "code">;

  constructor(options: FeedClientOptions<M, C>) {
    this.#options = options;
    const { metrics = NO_METRICS, name: watch } = options;
    this.#ends = metrics.counter(WATCH_METRICS.ends);
    const connected = metrics.gauge(WATCH_METRICS.connected);
    const cursor = metrics.gauge(WATCH_METRICS.cursor);
    const observed = metrics.gauge(WATCH_METRICS.observed);
    metrics.onScrape(`${watch} watch`, () => {
      connected.set({ watch }, this.#isConnected ? 1 : 0);
      cursor.set({ watch }, this.cursor);
      observed.set({ watch }, this.observed);
    });
  }

  /** Everything up to this version was applied or quarantined. */
  get cursor(): number {
    return this.#progress.cursor;
  }

  /** The highest version received. */
  get observed(): number {
    return this.#progress.observed;
  }

  /** The stream is open and has had its first message. */
  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Continues from a stored cursor. Call it before `run`, when the consumer holds all that belongs to the cursor. */
  resume(cursor: number): void {
    this.#progress.resume(cursor);
  }

  /** Runs until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, name, times } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#follow(signal);
        if (signal.aborted) return;
        this.#ends.add({ watch: name, code: "ok" });
        log.debug(`${name} watch ended`, { cursor: this.cursor });
      } catch (error) {
        if (signal.aborted) return;
        this.#ends.add({ watch: name, code: codeOf(error) });
        this.#logFailure(error);
      } finally {
        this.#isConnected = false;
      }
      const waitMs = backoffMs(++this.#failures, times.retryFirstMs, times.retryMsMax);
      await clock.sleep(waitMs, signal).catch(() => undefined);
    }
  }

  /** An outage is one warning, however long it lasts. */
  #logFailure(error: unknown): void {
    const { log, name } = this.#options;
    const fields = { cursor: this.cursor, failures: this.#failures + 1, error: describeError(error) };
    if (this.#isOutage) log.debug(`${name} watch failed`, fields);
    else log.warn(`${name} watch failed`, fields);
    this.#isOutage = true;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { clock, decode, open, times } = this.#options;
    const session = new Session<C>(this.cursor);
    const left = new AbortController();
    this.#progress.hold();
    using idle = new IdleAbort({
      clock,
      idleMs: times.heartbeatTimeoutMs,
      signal,
      error: (ms) => new Fault("unavailable", `the server sent nothing for ${ms} ms`),
    });
    try {
      for await (const message of open(session.sinceVersion, AbortSignal.any([idle.signal, left.signal]))) {
        idle.reset();
        this.#onMessage();
        await this.#take(decode(message), session, signal);
      }
    } catch (error) {
      throw idle.isExpired ? idle.signal.reason : error;
    } finally {
      left.abort(LEFT);
    }
  }

  #onMessage(): void {
    this.#failures = 0;
    this.#isOutage = false;
    if (this.#isConnected) return;
    this.#isConnected = true;
    this.#options.consumer.connected?.();
  }

  async #take(message: FeedMessage<C>, session: Session<C>, signal: AbortSignal): Promise<void> {
    switch (message.kind) {
      case "change":
        session.mention(message.resource);
        if (!this.#hand(message)) session.refuse(message);
        return;
      case "problem":
        session.mention(...message.resources);
        this.#options.consumer.reportProblem(message);
        return this.#progress.begin(message.version)();
      case "unknown":
        session.mentionUnknown();
        return this.#progress.begin(message.version)();
      case "heartbeat":
        return this.#takeHeartbeat(message.version, session);
      case "snapshot_end":
        return await this.#endSnapshot(message, session, signal);
    }
  }

  /** Passes a change on, unless a newer state of its resource is known. */
  #hand(change: FeedChange<C>): boolean {
    const done = this.#progress.begin(change.version);
    const isTaken = this.#versions.take(change.resource, change.version, change.removes);
    if (isTaken) this.#options.consumer.apply(change, done);
    else done();
    return isTaken;
  }

  #takeHeartbeat(version: number, session: Session<C>): void {
    if (version < this.observed) {
      this.#startOver(version);
      throw new Fault("unavailable", `the server is at version ${version}, behind its own history`);
    }
    if (session.sinceVersion === 0 && !session.isComplete) return;
    this.#complete(version, session);
  }

  async #endSnapshot(
    { version, resources }: { readonly version: number; readonly resources: number },
    session: Session<C>,
    signal: AbortSignal,
  ): Promise<void> {
    if (session.isComplete) {
      throw new Fault("internal", "a snapshot ended in the middle of a stream");
    }
    if (session.received < resources) {
      const text = `the snapshot has ${session.received} of ${resources} resources: it is not complete`;
      throw new Fault("internal", text);
    }
    if (version < this.observed) {
      this.#startOver(version);
      for (const change of session.refused) this.#hand(change);
    }
    for (const removal of await this.#options.consumer.removals(session.mentioned, signal)) {
      this.#hand({ kind: "change", version, removes: true, ...removal });
    }
    this.#versions.keepOnly(session.mentioned, version);
    this.#complete(version, session);
  }

  #complete(version: number, session: Session<C>): void {
    session.complete();
    this.#progress.receivedUpTo(version);
    this.#options.consumer.caughtUp?.();
  }

  #startOver(version: number): void {
    const { log, name } = this.#options;
    log.warn(`${name} watch: the control plane went back in time`, { version, observed: this.observed });
    this.#progress.startOver();
    this.#versions.clear();
  }
}
