import type { DeploymentState } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError, Fault } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { backoffMs } from "../../../../pkg/retry/mod.ts";
import type { Controller, Settle } from "../deployment/controller.ts";
import { decodeApply } from "../deployment/desired.ts";
import type { ManagedDeployment } from "../runtime/port.ts";
import type { Result } from "./acknowledger.ts";
import type { Progress } from "./progress.ts";

export interface WatcherOptions {
  /** Opens the stream of desired states after a version. */
  readonly open: (versionLastSeen: number, signal: AbortSignal) => AsyncIterable<DeploymentState>;
  readonly controller: Pick<Controller, "apply" | "delete" | "has" | "desired" | "find">;
  readonly progress: Progress;
  readonly acknowledge: (result: Result) => void;
  /** What the runtime holds, to find what the snapshot lacks. */
  readonly managed: (signal: AbortSignal) => Promise<readonly ManagedDeployment[]>;
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

/** Follows the desired state of the region for ever: reconnects, resumes, and keeps each resource from going back. */
export class Watcher {
  readonly #options: WatcherOptions;
  /** The newest version taken of each deployment. */
  readonly #versions = new Map<string, number>();
  #connected = false;

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  /** Whether the stream is open and has been answered. */
  get connected(): boolean {
    return this.#connected;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.#follow(() => failures = 0, signal);
        log.info("watch stream ended", { cursor: this.#options.progress.cursor });
      } catch (error) {
        if (signal.aborted) return;
        log.warn("watch stream lost", { cursor: this.#options.progress.cursor, error: describeError(error) });
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

  async #take(message: DeploymentState, stream: Stream, signal: AbortSignal): Promise<void> {
    const { progress } = this.#options;
    const version = Number(message.version);
    const { state } = message;
    switch (state.case) {
      case "apply":
        stream.resources++;
        stream.seen.add(state.value.k8sName);
        this.#accept(state.value.k8sName, state.value.deploymentId, version, (settle) => {
          this.#options.controller.apply(decodeApply(state.value), settle);
        });
        return;
      case "delete":
        stream.resources++;
        stream.seen.add(state.value.k8sName);
        this.#accept(
          state.value.k8sName,
          this.#options.controller.find(state.value.k8sName)?.deploymentId ?? "",
          version,
          (settle) => {
            this.#options.controller.delete(state.value.k8sName, settle);
          },
        );
        return;
      case "problem":
        stream.resources++;
        stream.seen.add(state.value.resourceId);
        this.#options.log.error("desired state is broken", {
          resource: state.value.resourceId,
          version,
          problem: state.value.message,
        });
        this.#options.acknowledge({
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

  /** Hands a change on unless a newer one of the same deployment was taken before. */
  #accept(name: string, deploymentId: string, version: number, hand: (settle: Settle) => void): void {
    const { acknowledge, progress } = this.#options;
    const done = progress.begin(version);
    if (version < (this.#versions.get(name) ?? 0)) return done();
    this.#versions.set(name, version);
    const resourceId = deploymentId === "" ? name : deploymentId;
    const settle = (error: string): void => {
      acknowledge({ resourceId, version, error });
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
    const { controller, log, managed, progress } = this.#options;
    if (stream.resources < resources) {
      throw new Fault(
        "internal",
        `the snapshot has ${stream.resources} of ${resources} resources: it is not complete`,
      );
    }
    this.#checkHistory(version);
    const held = controller.desired().map(({ name, deploymentId }) => ({ name, deploymentId }));
    for (const { name, deploymentId } of [...await managed(signal), ...held]) {
      if (stream.seen.has(name) || stream.seen.has(deploymentId)) continue;
      stream.seen.add(name);
      log.info("orphan removed", { name, deployment_id: deploymentId });
      this.#accept(name, deploymentId, version, (settle) => controller.delete(name, settle));
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
