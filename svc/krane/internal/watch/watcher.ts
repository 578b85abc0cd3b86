import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import {
  FeedClient,
  type FeedConsumer,
  type FeedMessage,
  type FeedRemoval,
  type FeedTimes,
} from "../../../../pkg/feed/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { Metrics } from "../../../../pkg/metrics/mod.ts";
import type { Controller, Named } from "../control/controller.ts";
import type { Result } from "./acknowledger.ts";

/** A message of any stream of desired states; `A` is the message of a resource that should run. */
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

/** One kind of resource: its messages `A`, and its desired states `D`. */
export interface ResourceKind<A, D> {
  readonly type: Result["resourceType"];
  /** @throws `invalid_argument` for a state that cannot be run */
  decode(apply: A): D;
  /** The control plane's id. */
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
  readonly controller: Pick<Controller<D, unknown>, "apply" | "delete" | "desired" | "find">;
  readonly acknowledge: (result: Result) => void;
  /** The resources of the runtime: those that the snapshot lacks are removed. */
  readonly managed: (signal: AbortSignal) => Promise<readonly Held[]>;
  /** The server answers on a new stream. */
  readonly onConnected: () => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly times?: Partial<FeedTimes>;
  readonly metrics?: Metrics | undefined;
}

/** A change to one resource; `apply` is absent for a removal. */
interface Change<A> extends Held {
  readonly apply?: A;
}

/** A watch of one kind of resource. */
export type Watcher<A> = FeedClient<StateMessage<A>, Change<A>>;

/** The heartbeat timeout is five heartbeats of the server. */
const TIMES: FeedTimes = { heartbeatTimeoutMs: 15_000, retryFirstMs: 200, retryMsMax: 15_000 };

/** A client of the desired states of one kind of resource, which passes each change to the controller. */
export function createWatcher<A extends { readonly k8sName: string }, D extends Named>(
  options: WatcherOptions<A, D>,
): Watcher<A> {
  const { clock, kind, log, metrics, open, times } = options;
  return new FeedClient({
    name: kind.type,
    open,
    decode: (message) => decodeMessage(message, options),
    consumer: consumerOf(options),
    times: { ...TIMES, ...times },
    clock,
    log,
    metrics,
  });
}

function decodeMessage<A extends { readonly k8sName: string }, D extends Named>(
  { state, version: versionBigint }: StateMessage<A>,
  { controller, kind }: WatcherOptions<A, D>,
): FeedMessage<Change<A>> {
  const version = Number(versionBigint);
  switch (state.case) {
    case "apply": {
      const { value } = state;
      const change = { name: value.k8sName, resourceId: kind.idOf(value), apply: value };
      return { kind: "change", version, resource: value.k8sName, removes: false, change };
    }
    case "delete": {
      const { k8sName: name } = state.value;
      const held = controller.find(name);
      const change = { name, resourceId: held === undefined ? "" : kind.idOf(held) };
      return { kind: "change", version, resource: name, removes: true, change };
    }
    case "problem": {
      const { resourceId, message: text } = state.value;
      return { kind: "problem", version, resources: [resourceId], resourceId, text };
    }
    case "snapshotEnd":
      return { kind: "snapshot_end", version, resources: state.value.resources };
    case "heartbeat":
      return { kind: "heartbeat", version };
    case undefined:
      return { kind: "unknown", version };
    default:
      return state satisfies never;
  }
}

function consumerOf<A, D extends Named>(options: WatcherOptions<A, D>): FeedConsumer<Change<A>> {
  const { acknowledge, controller, kind, log, managed, onConnected } = options;
  return {
    apply({ change: { apply, name, resourceId }, version }, done) {
      const settle = (error: string): void => {
        acknowledge({
          resourceType: kind.type,
          resourceId: resourceId === "" ? name : resourceId,
          version,
          error,
        });
        done();
      };
      try {
        if (apply === undefined) controller.delete(name, settle);
        else controller.apply(kind.decode(apply), settle);
      } catch (error) {
        // The state cannot be run: only another version can repair it.
        settle(describeError(error));
      }
    },
    reportProblem({ resourceId, text, version }) {
      log.error("desired state is broken", { kind: kind.type, resource: resourceId, version, problem: text });
      acknowledge({ resourceType: kind.type, resourceId, version, error: text });
    },
    async removals(kept, signal) {
      const desired = controller.desired().map((each) => ({ name: each.name, resourceId: kind.idOf(each) }));
      const orphans = new Map<string, FeedRemoval<Change<A>>>();
      for (const each of [...await managed(signal), ...desired]) {
        const { name, resourceId } = each;
        if (kept.has(name) || kept.has(resourceId) || orphans.has(name)) continue;
        log.info("orphan removed", { kind: kind.type, name, resource_id: resourceId });
        orphans.set(name, { resource: name, change: { name, resourceId } });
      }
      return [...orphans.values()];
    },
    connected: onConnected,
  };
}
