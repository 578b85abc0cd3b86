/** The two clients of watch streams, each between a generated history and the state that it keeps. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { systemClock } from "../../pkg/clock/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { RouteStateSchema } from "../../proto/gen/ctrl/v1/frontline_pb.ts";
import { Certificates } from "../../svc/frontline/internal/certificates.ts";
import { RouteTable } from "../../svc/frontline/internal/route_table.ts";
import { Watcher as RouteWatcher } from "../../svc/frontline/internal/watcher.ts";
import type { Settle } from "../../svc/krane/internal/control/controller.ts";
import { createWatcher, type StateMessage } from "../../svc/krane/internal/watch/watcher.ts";
import type { Dice } from "./feed_chaos.ts";
import type { History, HistoryClient, HistoryEvent } from "./feed_history.ts";

/** One process of a client after the other. */
export interface ClientUnderTest extends HistoryClient {
  /** Runs a process until it is killed or `signal` aborts. */
  run(history: History, signal: AbortSignal): Promise<void>;
}

const TIMES = { heartbeatTimeoutMs: 60_000, retryFirstMs: 1, retryMsMax: 1 };
const base = { clock: systemClock(), log: silentLogger() };

interface Desired {
  readonly name: string;
  readonly value: number;
}

interface Work {
  readonly name: string;
  readonly value: number | undefined;
  readonly settle: Settle;
}

/** The agent's adapter. Its runtime works in any order across resources, and outlives the agent's process. */
export class AgentUnderTest implements ClientUnderTest {
  readonly #roll: Dice;
  readonly #running = new Map<string, number>();
  readonly #desired = new Map<string, Desired>();
  #queue: Work[] = [];
  #watcher = { cursor: 0, observed: 0 };
  #process = new AbortController();

  constructor(roll: Dice) {
    this.#roll = roll;
  }

  get cursor(): number {
    return this.#watcher.cursor;
  }

  held(): ReadonlyMap<string, number> {
    return this.#running;
  }

  work(): void {
    for (let n = this.#roll(4); n > 0 && this.#queue.length > 0; n--) this.#workOnce();
  }

  kill(): void {
    this.#process.abort();
  }

  async run(history: History, signal: AbortSignal): Promise<void> {
    this.#process = new AbortController();
    const watcher = createWatcher<{ k8sName: string; value: number }, Desired>({
      ...base,
      times: TIMES,
      kind: {
        type: "deployment",
        decode: ({ k8sName: name, value }) => ({ name, value }),
        idOf: (resource) => "name" in resource ? resource.name : resource.k8sName,
      },
      open: (cursor, ended) => this.#states(history.stream(cursor, this, ended)),
      controller: {
        apply: (desired, settle) => {
          this.#desired.set(desired.name, desired);
          this.#queue.push({ name: desired.name, value: desired.value, settle });
        },
        delete: (name, settle) => {
          this.#desired.delete(name);
          this.#queue.push({ name, value: undefined, settle });
        },
        desired: () => [...this.#desired.values()],
        find: (name) => this.#desired.get(name),
      },
      acknowledge: () => undefined,
      managed: () => Promise.resolve([...this.#running.keys()].map((name) => ({ name, resourceId: name }))),
      onConnected: () => undefined,
    });
    watcher.resume(this.#cursorOnDisk());
    this.#watcher = watcher;
    await watcher.run(AbortSignal.any([signal, this.#process.signal]));
  }

  /** A stored cursor counts only when the runtime holds exactly the state that belongs to it. */
  #cursorOnDisk(): number {
    const { cursor, observed } = this.#watcher;
    const isResumable = cursor === observed && this.#queue.length === 0;
    this.#queue = [];
    this.#desired.clear();
    for (const [name, value] of this.#running) this.#desired.set(name, { name, value });
    return isResumable ? cursor : 0;
  }

  #workOnce(): void {
    const picked = this.#queue[this.#roll(this.#queue.length)];
    const first = this.#queue.findIndex((each) => each.name === picked?.name);
    for (const { name, value, settle } of this.#queue.splice(first, 1)) {
      if (value === undefined) this.#running.delete(name);
      else this.#running.set(name, value);
      settle("");
    }
  }

  async *#states(
    events: AsyncIterable<HistoryEvent>,
  ): AsyncGenerator<StateMessage<{ k8sName: string; value: number }>> {
    for await (const event of events) yield { version: BigInt(event.version), state: agentState(event) };
  }
}

function agentState(event: HistoryEvent): StateMessage<{ k8sName: string; value: number }>["state"] {
  switch (event.kind) {
    case "set":
      return { case: "apply", value: { k8sName: event.id, value: event.value } };
    case "gone":
      return { case: "delete", value: { k8sName: event.id } };
    case "problem":
      return { case: "problem", value: { resourceId: event.id, message: "broken" } };
    case "snapshot_end":
      return { case: "snapshotEnd", value: { resources: event.resources } };
    case "heartbeat":
      return { case: "heartbeat", value: {} };
    case "unknown":
      return { case: undefined };
  }
}

/** The edge's adapter. Its table is empty when its process begins. */
export class EdgeUnderTest implements ClientUnderTest {
  #table = new RouteTable();
  #watcher: RouteWatcher | undefined;
  #ids = new Set<string>();
  #process = new AbortController();

  get cursor(): number {
    return this.#watcher?.version ?? 0;
  }

  held(): ReadonlyMap<string, number> {
    const held = new Map<string, number>();
    for (const id of this.#ids) {
      const value = isRoute(id)
        ? this.#table.lookup(`${id}.localhost`)?.route.deploymentId
        : this.#table.instancesOf(id)?.[0]?.port;
      if (value !== undefined) held.set(id, Number(value));
    }
    return held;
  }

  work(): void {}

  kill(): void {
    this.#process.abort();
  }

  async run(history: History, signal: AbortSignal): Promise<void> {
    this.#process = new AbortController();
    this.#table = new RouteTable();
    this.#watcher = new RouteWatcher({
      ...base,
      times: TIMES,
      client: {
        watchRoutes: (request, options) => {
          const ended = options?.signal ?? signal;
          return this.#states(history.stream(Number(request.versionLastSeen ?? 0n), this, ended));
        },
        acknowledgeRoutes: () => Promise.reject(new Error("not in this test")),
        reportRefusals: () => Promise.reject(new Error("not in this test")),
        reportTraffic: () => Promise.reject(new Error("not in this test")),
        checkPassword: () => Promise.reject(new Error("not in this test")),
        reportLoad: () => Promise.reject(new Error("not in this test")),
        wakeDeployment: () => Promise.reject(new Error("not in this test")),
      },
      table: this.#table,
      certificates: new Certificates(base.log),
      edgeId: "edge",
      region: "local",
      acknowledges: false,
      onReady: () => undefined,
    });
    await this.#watcher.run(AbortSignal.any([signal, this.#process.signal]));
  }

  async *#states(events: AsyncIterable<HistoryEvent>) {
    for await (const event of events) {
      if ("id" in event) this.#ids.add(event.id);
      // Items of a snapshot of routes have no versions.
      const version = event.kind === "set" && event.inSnapshot ? 0 : event.version;
      const state = edgeState(event);
      yield create(RouteStateSchema, { version: BigInt(version), ...(state === undefined ? {} : { state }) });
    }
  }
}

/** Every second resource is a route, whose deployment is the value; the others are instances, whose port it is. */
function isRoute(id: string): boolean {
  return Number(id.slice(1)) % 2 === 0;
}

type EdgeState = MessageInitShape<typeof RouteStateSchema>["state"];

function edgeState(event: HistoryEvent): EdgeState {
  switch (event.kind) {
    case "set":
      return isRoute(event.id) ? route(event.id, event.value) : instances(event.id, event.value);
    case "gone":
      return isRoute(event.id)
        ? { case: "deleteRoute", value: { routeId: event.id } }
        : { case: "deleteEndpoints", value: { deploymentId: event.id } };
    case "problem":
      return { case: "problem", value: { resourceId: event.id, message: "broken" } };
    case "snapshot_end":
      return { case: "snapshotEnd", value: { resources: event.resources } };
    case "heartbeat":
      return { case: "heartbeat", value: {} };
    case "unknown":
      return undefined;
  }
}

function route(routeId: string, value: number): EdgeState {
  return {
    case: "applyRoute",
    value: { routeId, hostname: `${routeId}.localhost`, deploymentId: String(value) },
  };
}

function instances(deploymentId: string, value: number): EdgeState {
  const endpoints = [{ instanceId: deploymentId, address: `127.0.0.1:${value}`, region: "local" }];
  return { case: "applyEndpoints", value: { deploymentId, endpoints } };
}
