import type { Client } from "@connectrpc/connect";
import type { Clock } from "../../../pkg/clock/mod.ts";
import { describeError } from "../../../pkg/fault/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import { backoffMs } from "../../../pkg/retry/mod.ts";
import type { FrontlineService, RouteState } from "../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { resourceOf, type RouteChange, type RouteTable } from "./route_table.ts";

/** Times of the watch, in milliseconds. */
export interface WatchTimes {
  /** A stream that is silent for longer is dead; the server sends a heartbeat every few seconds. */
  readonly silenceMsMax: number;
  readonly retryFirstMs: number;
  readonly retryMsMax: number;
  /** How often to look for something to acknowledge. */
  readonly acknowledgeMs: number;
  /** How often to acknowledge when nothing changes, as a sign of life. */
  readonly aliveMs: number;
  /** How long a route waits for the instances of its new deployment. */
  readonly settleMs: number;
}

export const WATCH_TIMES: WatchTimes = {
  silenceMsMax: 20_000,
  retryFirstMs: 100,
  retryMsMax: 5_000,
  acknowledgeMs: 100,
  aliveMs: 5_000,
  settleMs: 1_000,
};

/** What a watcher needs. */
export interface WatcherOptions {
  readonly client: Client<typeof FrontlineService>;
  readonly table: RouteTable;
  readonly clock: Clock;
  readonly log: Logger;
  readonly edgeId: string;
  /** Whether the control plane is told up to which version this one routes, and waits for it. */
  readonly acknowledges: boolean;
  readonly times?: Partial<WatchTimes>;
  /** Called once, when the first snapshot is complete. */
  readonly onReady: () => void;
}

/**
 * Keeps a route table as the control plane wants it, for ever: the table stays as it is while the control plane is
 * away, and catches up from its cursor when it is back.
 */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #times: WatchTimes;
  /** Everything up to this version is in the table. */
  #cursor = 0n;
  #acknowledged = -1n;
  #failures = 0;
  #outage = false;
  #ready = false;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#times = { ...WATCH_TIMES, ...options.times };
  }

  /** The version up to which the table is complete. */
  get version(): bigint {
    return this.#cursor;
  }

  /** Watches until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#stream(signal);
        if (!signal.aborted) log.debug("route watch ended", { version: this.#cursor });
      } catch (error) {
        if (signal.aborted) return;
        // The first failure is news; the next ones are the same news.
        const fields = { version: this.#cursor, failures: this.#failures + 1, error: describeError(error) };
        if (this.#outage) log.debug("route watch failed", fields);
        else log.warn("route watch failed", fields);
        this.#outage = true;
      }
      this.#failures++;
      const waitMs = backoffMs(this.#failures, this.#times.retryFirstMs, this.#times.retryMsMax);
      await clock.sleep(waitMs, signal).catch(() => undefined);
    }
  }

  /**
   * Settles routes that waited long enough, and acknowledges what the table holds, until `signal` aborts. That is also how
   * the control plane knows that this edge lives.
   */
  async acknowledge(signal: AbortSignal): Promise<void> {
    const { acknowledges, clock, client, edgeId, log, table } = this.#options;
    let lastMs = -Infinity;
    let failures = 0;
    while (!signal.aborted) {
      table.settle(clock.now() - this.#times.settleMs);
      const version = this.#cursor;
      const due = version !== this.#acknowledged || clock.now() - lastMs >= this.#times.aliveMs;
      if (acknowledges && this.#ready && due && !table.unsettled) {
        try {
          await client.acknowledgeRoutes({ edgeId, appliedVersion: version }, { signal });
          this.#acknowledged = version;
          lastMs = clock.now();
          failures = 0;
        } catch (error) {
          if (signal.aborted) return;
          if (failures++ === 0) {
            log.warn("acknowledging routes failed", { version, error: describeError(error) });
          }
        }
      }
      const waitMs = failures === 0
        ? this.#times.acknowledgeMs
        : backoffMs(failures, this.#times.acknowledgeMs, this.#times.retryMsMax);
      await clock.sleep(waitMs, signal).catch(() => undefined);
    }
  }

  async #stream(signal: AbortSignal): Promise<void> {
    const { client, clock, edgeId } = this.#options;
    const silence = new AbortController();
    const ended = new AbortController();
    const heard = { atMs: clock.now() };
    const guard = this.#abortOnSilence(heard, silence, ended.signal);
    try {
      const states = client.watchRoutes(
        { versionLastSeen: this.#cursor, edgeId },
        { signal: AbortSignal.any([signal, silence.signal]) },
      );
      const session = new Session(this.#cursor);
      for await (const state of states) {
        heard.atMs = clock.now();
        this.#take(state, session);
      }
    } finally {
      ended.abort();
      await guard;
    }
  }

  async #abortOnSilence(
    heard: { atMs: number },
    silence: AbortController,
    ended: AbortSignal,
  ): Promise<void> {
    const { clock } = this.#options;
    while (!ended.aborted) {
      await clock.sleep(this.#times.silenceMsMax / 4, ended).catch(() => undefined);
      const silentMs = clock.now() - heard.atMs;
      if (!ended.aborted && silentMs > this.#times.silenceMsMax) {
        return silence.abort(new Error(`Nothing heard from the control plane for ${silentMs} ms`));
      }
    }
  }

  #take(state: RouteState, session: Session): void {
    const { table, clock, log } = this.#options;
    const message = state.state;
    this.#failures = 0;
    this.#outage = false;
    if (message.case === "snapshotEnd") {
      if (state.version < this.#cursor) this.#startOver(session);
      table.keepOnly(session.seen);
      session.complete(state.version);
      this.#cursor = state.version;
      this.#becomeReady();
      return;
    }
    if (message.case === "heartbeat") {
      if (state.version < this.#cursor) {
        const was = this.#cursor;
        this.#cursor = 0n;
        table.forgetVersions();
        throw new Error(`The control plane went back from version ${was} to ${state.version}`);
      }
      // All changes before it have come, so that nothing in the table waits for more.
      table.settle();
      if (this.#cursor > 0n) session.complete(session.version);
      this.#advance(session);
      return;
    }
    if (message.case === "problem") {
      session.keep(message.value.resourceId);
      log.warn("a route or deployment keeps its state: the control plane cannot read its new one", {
        resource: message.value.resourceId,
        problem: message.value.message,
      });
    } else {
      const change = changeOf(message);
      if (change === undefined) return;
      session.see(change);
      if (!table.apply(change, state.version, clock.now())) {
        session.refused.push({ change, version: state.version });
      }
    }
    session.reached(state.version);
    this.#advance(session);
  }

  /** Before a snapshot is complete its items say nothing about other resources of the same version. */
  #advance(session: Session): void {
    if (session.isComplete && session.version > this.#cursor) this.#cursor = session.version;
  }

  /** The snapshot is of an older time than the table: what it holds is right all the same. */
  #startOver(session: Session): void {
    const { table, clock } = this.#options;
    table.forgetVersions();
    for (const { change, version } of session.refused) table.apply(change, version, clock.now());
  }

  #becomeReady(): void {
    if (this.#ready) return;
    this.#ready = true;
    this.#options.onReady();
  }
}

/** What one stream has brought so far. */
class Session {
  readonly seen = new Set<string>();
  readonly refused: { change: RouteChange; version: bigint }[] = [];
  #version: bigint;
  #complete = false;

  constructor(version: bigint) {
    this.#version = version;
  }

  get version(): bigint {
    return this.#version;
  }

  get isComplete(): boolean {
    return this.#complete;
  }

  see(change: RouteChange): void {
    if (this.#complete) return;
    if (change.kind === "delete_route" || change.kind === "delete_endpoints") {
      this.seen.delete(resourceOf(change));
    } else this.seen.add(resourceOf(change));
  }

  /** A resource that has a problem exists, whichever kind it is of. */
  keep(id: string): void {
    if (this.#complete) return;
    this.seen.add(`route/${id}`);
    this.seen.add(`endpoints/${id}`);
  }

  reached(version: bigint): void {
    if (version > this.#version) this.#version = version;
  }

  /** Everything up to `version` has come; from now on versions come in order and without gaps. */
  complete(version: bigint): void {
    this.#complete = true;
    this.#version = version;
    this.seen.clear();
    this.refused.length = 0;
  }
}

function changeOf(message: RouteState["state"]): RouteChange | undefined {
  switch (message.case) {
    case "applyRoute":
      return { kind: "apply_route", route: message.value };
    case "deleteRoute":
      return { kind: "delete_route", routeId: message.value.routeId, hostname: message.value.hostname };
    case "applyEndpoints": {
      const { deploymentId, endpoints } = message.value;
      return { kind: "apply_endpoints", deploymentId, endpoints };
    }
    case "deleteEndpoints":
      return { kind: "delete_endpoints", deploymentId: message.value.deploymentId };
    default:
      // A newer control plane may say more than this edge understands.
      return undefined;
  }
}
