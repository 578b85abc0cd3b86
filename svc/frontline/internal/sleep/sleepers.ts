import type { Decision, ProxyRequest } from "../../../../pkg/proxy/mod.ts";
import type { RouteTable } from "../route_table.ts";
import type { Choice } from "../split.ts";
import { type Turn, WakeQueue } from "./queue.ts";
import { Waker, type WakerOptions } from "./waker.ts";

/** The turn of a request that has waited. */
export type Go = Extract<Turn, { kind: "go" }>;

/** Deployments that sleep, as an edge serves them: their requests wait, and the control plane is asked to wake them. */
export class Sleepers {
  readonly queue: WakeQueue;
  readonly #table: RouteTable;

  constructor(options: Omit<WakerOptions, "instancesOf">, table: RouteTable) {
    const { clock } = options;
    const instancesOf = (id: string): number => table.instancesOf(id)?.length ?? 0;
    const waker = new Waker({ ...options, instancesOf });
    this.#table = table;
    this.queue = new WakeQueue({
      clock,
      instancesOf,
      leadsTo: (host, id) => this.#leadsTo(host, id),
      wake: (id, signal) => waker.wake(id, signal),
    });
  }

  /** The wait of a request, after which `again` routes it; `undefined`: it need not wait. */
  decide(
    request: ProxyRequest,
    { deploymentId, instances }: Pick<Choice, "deploymentId" | "instances">,
    again: (turn: Go) => Decision,
  ): Decision | undefined {
    const { queue } = this;
    const isAsleep = instances.length === 0 && this.#leadsTo(request.host, deploymentId) &&
      queue.mayWake(deploymentId);
    if (!isAsleep && !queue.isQueued(deploymentId)) return undefined;
    const { turn, leave } = queue.enter(deploymentId, request);
    const decision = turn.then((turn): Decision => {
      if (turn.kind === "fail") return turn;
      const later = again(turn);
      // Only a request that reaches an instance is answered later.
      if (later.kind !== "forward") turn.settled();
      return later;
    });
    return { kind: "wait", decision, left: leave };
  }

  #leadsTo(host: string, deploymentId: string): boolean {
    const route = this.#table.lookup(host)?.route;
    return route?.deploymentId === deploymentId && route.wakes === true && !route.stopped;
  }
}
