import type { Upstream } from "../../../pkg/proxy/mod.ts";
import { isOtherSplit, type Split } from "./share.ts";

/** An instance that takes requests. */
export interface Instance extends Upstream {
  readonly instanceId: string;
  readonly region: string;
}

/** A host name and the deployment that answers for it. */
export interface Route {
  readonly routeId: string;
  readonly hostname: string;
  readonly deploymentId: string;
  readonly environmentId: string;
  readonly workspaceId: string;
  /** Nothing of the deployment runs, and nothing is about to. */
  readonly stopped: boolean;
  /** Without instances it may be asleep: the control plane wakes it. */
  readonly wakes?: boolean;
  /** Why and since when it is stopped, where that is known. */
  readonly stop?: { readonly message: string; readonly atMs: number } | undefined;
  /** Not empty: requests are sent to this host instead. */
  readonly redirectHostname: string;
  /** Present: visitors must prove that they may see it. */
  readonly protection?: { readonly key: Uint8Array } | undefined;
  /** A part of its requests goes to another deployment. */
  readonly split?: Split | undefined;
}

/** An endpoint as the feed gives it. */
export interface EndpointAddress {
  readonly instanceId: string;
  /** host:port */
  readonly address: string;
  readonly region: string;
}

/** One step of the feed. */
export type RouteChange =
  | { readonly kind: "apply_route"; readonly route: Route }
  | { readonly kind: "delete_route"; readonly routeId: string; readonly hostname: string }
  | {
    readonly kind: "apply_endpoints";
    readonly deploymentId: string;
    readonly endpoints: readonly EndpointAddress[];
    /** "h2c", or "http1", which may be empty. */
    readonly protocol: string;
    /** The control plane wants to know its load. */
    readonly reportsLoad?: boolean;
  }
  | { readonly kind: "delete_endpoints"; readonly deploymentId: string }
  | { readonly kind: "apply_down_region" | "delete_down_region"; readonly region: string };

export interface Target {
  readonly route: Route;
  readonly instances: readonly Instance[];
}

interface Waiting {
  readonly route: Route;
  readonly sinceMs: number;
}

const NONE: readonly Instance[] = [];

/**
 * Host names, deployments and instances, as the feed describes them.
 *
 * A route moves to a deployment only when one of its instances is known, or when nothing more is to be expected: until
 * then the former one answers.
 */
export class RouteTable {
  readonly #routes = new Map<string, Route>();
  readonly #hosts = new Map<string, string>();
  readonly #instances = new Map<string, readonly Instance[]>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #downRegions = new Set<string>();
  readonly #scaled = new Set<string>();
  readonly #onLeave: (key: string) => void;
  readonly #onMove: (from: string | undefined, to: string) => void;
  readonly #onInstances: (deploymentId: string) => void;

  /**
   * `onLeave` gets the key of each instance that takes no new requests from now on, `onMove` the former and the new
   * deployment of a host name, `onInstances` each deployment that has instances after a change of them.
   */
  constructor(
    onLeave: (key: string) => void = () => undefined,
    onMove: (from: string | undefined, to: string) => void = () => undefined,
    onInstances: (deploymentId: string) => void = () => undefined,
  ) {
    this.#onLeave = onLeave;
    this.#onMove = onMove;
    this.#onInstances = onInstances;
  }

  /** Host names with a route. */
  get size(): number {
    return this.#routes.size;
  }

  /** A route waits for the instances of its new deployment. */
  get hasWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** The target of a host name in lower case, without port and trailing dot. */
  lookup(host: string): Target | undefined {
    const route = this.#routes.get(host);
    return route && { route, instances: this.#instances.get(route.deploymentId) ?? NONE };
  }

  /** The instances of a deployment, without regard to routes; `undefined` when it is unknown. */
  instancesOf(deploymentId: string): readonly Instance[] | undefined {
    return this.#instances.get(deploymentId);
  }

  /** The deployments of which an instance is like this. */
  *deploymentsWhere(matches: (instance: Instance) => boolean): Iterable<string> {
    for (const [id, instances] of this.#instances) if (instances.some(matches)) yield id;
  }

  /** The deployments whose load the control plane wants to know, with their instances. */
  *scaled(): Iterable<{ readonly deploymentId: string; readonly instances: readonly Instance[] }> {
    for (const deploymentId of this.#scaled) {
      yield { deploymentId, instances: this.#instances.get(deploymentId) ?? NONE };
    }
  }

  /** Applies a change. Changes of one resource must come in the order of their versions. */
  apply(change: RouteChange, nowMs: number): void {
    switch (change.kind) {
      case "apply_route":
        this.#moveRoute({ ...change.route, hostname: change.route.hostname.toLowerCase() }, nowMs);
        break;
      case "delete_route":
        this.#dropRoute(change.routeId);
        break;
      case "apply_endpoints":
        this.#setInstances(change.deploymentId, change.endpoints, change.protocol);
        if (change.reportsLoad === true) this.#scaled.add(change.deploymentId);
        else this.#scaled.delete(change.deploymentId);
        break;
      case "delete_endpoints":
        this.#dropDeployment(change.deploymentId);
        break;
      case "apply_down_region":
        this.#downRegions.add(change.region);
        break;
      case "delete_down_region":
        this.#downRegions.delete(change.region);
        break;
    }
  }

  /** The heartbeats of all agents of the region timed out: its instances may be gone. */
  isDown(region: string): boolean {
    return this.#downRegions.has(region);
  }

  /** Lets routes move that have waited for instances since before `beforeMs`. */
  moveWaiting(beforeMs = Infinity): void {
    for (const { route, sinceMs } of [...this.#waiting.values()]) if (sinceMs < beforeMs) this.#place(route);
  }

  /** Drops every resource that is not in `kept`, after a complete snapshot. */
  keepOnly(kept: ReadonlySet<string>): void {
    this.moveWaiting();
    for (const routeId of [...this.#hosts.keys()]) {
      if (!kept.has(`route/${routeId}`)) this.#dropRoute(routeId);
    }
    for (const deploymentId of [...this.#instances.keys()]) {
      if (kept.has(`endpoints/${deploymentId}`)) continue;
      this.#dropDeployment(deploymentId);
    }
    for (const region of [...this.#downRegions]) {
      if (!kept.has(`down_region/${region}`)) this.#downRegions.delete(region);
    }
  }

  #dropDeployment(deploymentId: string): void {
    this.#setInstances(deploymentId, []);
    this.#instances.delete(deploymentId);
    this.#scaled.delete(deploymentId);
  }

  #moveRoute(route: Route, nowMs: number): void {
    const current = this.#routes.get(this.#hosts.get(route.routeId) ?? route.hostname);
    const answers = (id: string): boolean => (this.#instances.get(id) ?? NONE).length > 0;
    const waits = route.redirectHostname === "" && current !== undefined &&
      current.hostname === route.hostname &&
      answers(current.deploymentId) && !answers(route.deploymentId);
    if (!waits) return this.#place(route);
    this.#waiting.set(route.routeId, { route, sinceMs: nowMs });
    // What holds for visitors does not wait.
    this.#routes.set(current.hostname, { ...current, protection: route.protection });
  }

  #place(route: Route): void {
    this.#waiting.delete(route.routeId);
    const former = this.#hosts.get(route.routeId);
    if (former !== undefined && former !== route.hostname) this.#dropRoute(route.routeId);
    const before = this.#routes.get(route.hostname);
    this.#routes.set(route.hostname, route);
    const split = route.split ?? before?.split;
    if (before?.deploymentId !== route.deploymentId) this.#onMove(before?.deploymentId, route.deploymentId);
    else if (split !== undefined && isOtherSplit(before.split, route.split)) {
      this.#onMove(route.deploymentId, split.deploymentId);
    }
    this.#hosts.set(route.routeId, route.hostname);
  }

  #dropRoute(routeId: string): void {
    this.#waiting.delete(routeId);
    const host = this.#hosts.get(routeId);
    this.#hosts.delete(routeId);
    // The host may belong to another route by now.
    if (host !== undefined && this.#routes.get(host)?.routeId === routeId) this.#routes.delete(host);
  }

  #setInstances(deploymentId: string, endpoints: readonly EndpointAddress[], protocol = ""): void {
    const former = this.#instances.get(deploymentId) ?? NONE;
    const next = endpoints.map((each) => instanceOf(each, { owner: deploymentId, protocol })).filter((each) =>
      each !== undefined
    );
    const keys = new Set(next.map((each) => each.key));
    this.#instances.set(deploymentId, next);
    for (const each of former) if (!keys.has(each.key)) this.#onLeave(each.key);
    if (next.length === 0) return;
    this.#onInstances(deploymentId);
    for (const { route } of [...this.#waiting.values()]) {
      if (route.deploymentId === deploymentId) this.#place(route);
    }
  }
}

/** The resource of a change, unique over all kinds. */
export function resourceOf(change: RouteChange): string {
  switch (change.kind) {
    case "apply_route":
      return `route/${change.route.routeId}`;
    case "delete_route":
      return `route/${change.routeId}`;
    case "apply_endpoints":
    case "delete_endpoints":
      return `endpoints/${change.deploymentId}`;
    case "apply_down_region":
    case "delete_down_region":
      return `down_region/${change.region}`;
  }
}

/** Reads `host:port`, with brackets around an IPv6 address; `undefined` for other texts. */
function instanceOf(
  { instanceId, address, region }: EndpointAddress,
  { owner, protocol }: { readonly owner: string; readonly protocol: string },
): Instance | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+)):([0-9]{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !(port >= 1 && port <= 65_535)) return undefined;
  const base = { key: `${instanceId}@${address}`, host, port, instanceId, region, owner };
  return protocol === "h2c" ? { ...base, protocol } : base;
}
