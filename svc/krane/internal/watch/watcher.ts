import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError, Fault } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { backoffMs } from "../../../../pkg/retry/mod.ts";
import type { Controller, Named, Settle } from "../control/controller.ts";
import type { Result } from "./acknowledger.ts";
import type { Progress } from "./progress.ts";

/** What every stream of desired states sends; `A` is the message of a resource that should run. */
export interface StateMessage<A> {
  readonly version: bigint;
  readonly state:
    | { readonly case: "apply"; readonly value: A }
    | { readonly case: "delete"; readonly value: { readonly k8sName: string } }
    | { readonly case: "problem"; readonly value: { readonly resourceId: string; readonly message: string } }
    | { readonly case: "snapshotEnd"; readonly value: { readonly resources: number } }
    | { readonly case: "heartbeat"; readonly value: unknown }
    | { readonly case: undefined };
}

/** One kind of resource: how its messages `A` become desired states `D`. */
export interface ResourceKind<A, D> {
  readonly type: Result["resourceType"];
  /** @throws `invalid_argument` for a state that cannot be run */
  decode(apply: A): D;
  /** By what the control plane knows it. */
  idOf(resource: A | D): string;
}

/** A resource that the runtime holds. */
export interface Held extends Named {
  readonly resourceId: string;
}

export interface WatcherOptions<A, D extends Named> {
  readonly kind: ResourceKind<A, D>;
  /** Opens the stream of desired states after a version. */
  readonly open: (versionLastSeen: number, signal: AbortSignal) => AsyncIterable<StateMessage<A>>;
  readonly controller: Pick<Controller<D, unknown>, "apply" | "delete" | "has" | "desired" | "find">;
  readonly progress: Progress;
  readonly acknowledge: (result: Result) => void;
  /** What the runtime holds, to find what the snapshot lacks. */
  readonly managed: (signal: AbortSignal) => Promise<readonly Held[]>;
  /** Called when the server answers on a new stream. */
  readonly onConnected: () => void;
  readonly clock: Clock;
  readonly log: Logger;
  /** Silence after which the stream counts as dead, in milliseconds: three heartbeats. */
  readonly silenceMs?: number;
}

const SILENCE_MS = 15_000;
const RECONNECT_FIRST_MS = 200;
const RECONNECT_MS_MAX = 15_000;

/** What is known of one stream. */
interface Stream {
  /** Names that the messages so far were about, until the snapshot has ended or proved to be none. */
  readonly seen: Set<string>;
  resources: number;
  settledIn: boolean;
}

/**
 * Follows the desired state of one kind of resource in the region for ever: reconnects, resumes, and keeps each resource
 * from going back.
 */
export class Watcher<A extends { readonly k8sName: string }, D extends Named> {
  readonly #options: WatcherOptions<A, D>;
  /** The newest version taken of each resource. */
  readonly #versions = new Map<string, number>();
  #connected = false;

  constructor(options: WatcherOptions<A, D>) {
    this.#options = options;
  }

  /** Whether the stream is open and has been answered. */
  get connected(): boolean {
    return this.#connected;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, kind, log, progress } = this.#options;
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.#follow(() => failures = 0, signal);
        log.info("watch stream ended", { kind: kind.type, cursor: progress.cursor });
      } catch (error) {
        if (signal.aborted) return;
        const { cursor } = progress;
        log.warn("watch stream lost", { kind: kind.type, cursor, error: describeError(error) });
      } finally {
        this.#connected = false;
      }
      await clock.sleep(backoffMs(++failures, RECONNECT_FIRST_MS, RECONNECT_MS_MAX), signal).catch(() =>
        undefined
      );
    }
  }

  async #follow(onAnswer: () => void, signal: AbortSignal): Promise<void> {
    const { open, progress, onConnected, silenceMs = SILENCE_MS } = this.#options;
    const silent = new AbortController();
    const fault = new Fault("unavailable", `the control plane was silent for ${silenceMs} ms`);
    let timer = setTimeout(() => silent.abort(fault), silenceMs);
    const stream: Stream = { seen: new Set(), resources: 0, settledIn: false };
    progress.hold();
    try {
      const ended = AbortSignal.any([signal, silent.signal]);
      for await (const message of open(progress.cursor, ended)) {
        clearTimeout(timer);
        timer = setTimeout(() => silent.abort(fault), silenceMs);
        if (!this.#connected) {
          this.#connected = true;
          onAnswer();
          onConnected();
        }
        await this.#take(message, stream, signal);
      }
    } catch (error) {
      throw silent.signal.aborted ? fault : error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #take(message: StateMessage<A>, stream: Stream, signal: AbortSignal): Promise<void> {
    const { controller, kind, progress } = this.#options;
    const version = Number(message.version);
    const { state } = message;
    switch (state.case) {
      case "apply": {
        const { value } = state;
        stream.resources++;
        stream.seen.add(value.k8sName);
        this.#accept({ name: value.k8sName, resourceId: kind.idOf(value) }, version, (settle) => {
          controller.apply(kind.decode(value), settle);
        });
        return;
      }
      case "delete": {
        const { k8sName: name } = state.value;
        const held = controller.find(name);
        stream.resources++;
        stream.seen.add(name);
        this.#accept({ name, resourceId: held === undefined ? "" : kind.idOf(held) }, version, (settle) => {
          controller.delete(name, settle);
        });
        return;
      }
      case "problem":
        stream.resources++;
        stream.seen.add(state.value.resourceId);
        this.#options.log.error("desired state is broken", {
          kind: kind.type,
          resource: state.value.resourceId,
          version,
          problem: state.value.message,
        });
        this.#options.acknowledge({
          resourceType: kind.type,
          resourceId: state.value.resourceId,
          version,
          error: state.value.message,
        });
        progress.begin(version)();
        return;
      case "snapshotEnd":
        await this.#endSnapshot(version, state.value.resources, stream, signal);
        return;
      case "heartbeat":
        this.#checkHistory(version);
        // It comes when the stream has nothing left to send: no snapshot is under way, and up to here all is received.
        progress.begin(version)();
        this.#settleIn(stream);
        return;
      case undefined:
        // A kind of message that this agent does not know yet; what it is about is not lost, only not done here.
        progress.begin(version)();
        return;
      default:
        state satisfies never;
    }
  }

  /** Hands a change on unless a newer one of the same resource was taken before. */
  #accept({ name, resourceId: id }: Held, version: number, hand: (settle: Settle) => void): void {
    const { acknowledge, kind, progress } = this.#options;
    const done = progress.begin(version);
    if (version < (this.#versions.get(name) ?? 0)) return done();
    this.#versions.set(name, version);
    const resourceId = id === "" ? name : id;
    const settle = (error: string): void => {
      acknowledge({ resourceType: kind.type, resourceId, version, error });
      done();
    };
    try {
      hand(settle);
    } catch (error) {
      // It cannot be run as it is: only another version can mend that.
      settle(describeError(error));
    }
  }

  /** Everything that is managed and was not in the snapshot goes. */
  async #endSnapshot(version: number, resources: number, stream: Stream, signal: AbortSignal): Promise<void> {
    const { controller, kind, log, managed, progress } = this.#options;
    if (stream.resources < resources) {
      throw new Fault(
        "internal",
        `the snapshot has ${stream.resources} of ${resources} resources: it is not complete`,
      );
    }
    this.#checkHistory(version);
    const held = controller.desired().map((each) => ({ name: each.name, resourceId: kind.idOf(each) }));
    for (const each of [...await managed(signal), ...held]) {
      const { name, resourceId } = each;
      if (stream.seen.has(name) || stream.seen.has(resourceId)) continue;
      stream.seen.add(name);
      log.info("orphan removed", { kind: kind.type, name, resource_id: resourceId });
      this.#accept(each, version, (settle) => controller.delete(name, settle));
    }
    for (const name of this.#versions.keys()) if (!controller.has(name)) this.#versions.delete(name);
    progress.begin(version)();
    this.#settleIn(stream);
  }

  #settleIn(stream: Stream): void {
    if (stream.settledIn) return;
    stream.settledIn = true;
    stream.seen.clear();
    this.#options.progress.release();
  }

  /** A server that is behind this agent has lost its history: everything it says is news, and the agent begins anew. */
  #checkHistory(version: number): void {
    const { log, progress } = this.#options;
    if (version === 0 || version >= progress.cursor) return;
    log.warn("the control plane went back in time: starting over", { version, cursor: progress.cursor });
    progress.reset();
    this.#versions.clear();
    throw new Fault("unavailable", `the control plane is at version ${version}, behind this agent`);
  }
}
