import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RouteStateSchema } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { type FeedEvent, sharedMessages } from "../../internal/changes/mod.ts";
import type { RouteEntry, RouteMessage } from "./route_feed.ts";

type RouteState = MessageInitShape<typeof RouteStateSchema>;
type RouteEvent = FeedEvent<RouteEntry>;
type ItemEvent = Extract<RouteEvent, { kind: "item" }>;

/** One stream's view of the feed that all streams share. */
export interface View {
  /** `undefined`: this stream does not see the event. */
  show(event: RouteEvent): RouteState | undefined;
}

export const EDGE_VIEW: View = {
  show: sharedMessages((event: RouteEvent) => state(event, messageOf(event))),
};

/**
 * The view of an edge of an earlier release, which would serve a protected route to everybody: it does not see these. The stream
 * may go on from a cursor, so that every removal is passed on.
 */
export function earlierEdgeView(): View {
  let left = 0;
  return {
    show(event) {
      if (event.kind === "snapshot_end") {
        const resources = event.resources - left;
        left = 0;
        return state(event, messageOf({ ...event, resources }));
      }
      if (event.kind !== "item" || !isProtected(event.message)) return state(event, messageOf(event));
      // Only items of a snapshot have no version.
      if (event.version > 0) return state(event, goneMessage(event));
      left++;
      return undefined;
    },
  };
}

function isProtected({ message }: RouteEntry): boolean {
  return message.case === "applyRoute" && message.value.protection !== undefined;
}

export interface SentinelScope {
  readonly environmentId: string;
  readonly region: string;
}

/**
 * The view of a sentinel: routes of its environment, and the instances behind them that are in its region.
 *
 * A removal is passed on only if this stream has shown the resource before, which is why the stream must begin with a
 * snapshot. So not even the id of another environment's route comes through.
 */
export function sentinelView({ environmentId, region }: SentinelScope): View {
  const shown = new Set<string>();
  let inSnapshot = false;

  const showItem = (event: ItemEvent): RouteMessage | undefined => {
    // Only items of a snapshot have no version.
    if (event.version === 0 && !inSnapshot) {
      inSnapshot = true;
      shown.clear();
    }
    const { environmentId: owner } = event.message;
    const resource = `${event.resourceType}/${event.resourceId}`;
    if (owner === environmentId) {
      shown.add(resource);
      return forSentinel(event.message, region);
    }
    return shown.delete(resource) ? goneMessage(event) : undefined;
  };

  return {
    show(event) {
      switch (event.kind) {
        case "item": {
          const message = showItem(event);
          return message === undefined ? undefined : state(event, message);
        }
        case "problem":
          return shown.has(`${event.resourceType}/${event.resourceId}`)
            ? state(event, messageOf(event))
            : undefined;
        case "snapshot_end":
          if (!inSnapshot) shown.clear();
          inSnapshot = false;
          return state(event, messageOf({ ...event, resources: shown.size }));
        case "heartbeat":
          return state(event, messageOf(event));
      }
    },
  };
}

/**
 * The instances that are in the region, and no key of a protection: callers inside the environment need no proof. The message
 * belongs to all streams, so it is not changed but copied.
 */
function forSentinel({ message }: RouteEntry, region: string): RouteMessage {
  if (message.case === "applyRoute") {
    const { protection: _key, ...value } = message.value;
    return { case: "applyRoute", value };
  }
  if (message.case !== "applyEndpoints") return message;
  const { deploymentId = "", endpoints = [], protocol = "" } = message.value;
  const near = endpoints.filter((each) => each.region === region);
  return { case: "applyEndpoints", value: { deploymentId, endpoints: near, protocol } };
}

function goneMessage({ resourceType, resourceId }: ItemEvent): RouteMessage {
  return resourceType === "route"
    ? { case: "deleteRoute", value: { routeId: resourceId } }
    : { case: "deleteEndpoints", value: { deploymentId: resourceId } };
}

function messageOf(event: RouteEvent): RouteMessage {
  switch (event.kind) {
    case "item":
      return event.message.message;
    case "problem":
      return { case: "problem", value: { resourceId: event.resourceId, message: event.text } };
    case "snapshot_end":
      return { case: "snapshotEnd", value: { resources: event.resources } };
    case "heartbeat":
      return { case: "heartbeat", value: {} };
  }
}

function state({ version }: RouteEvent, message: RouteMessage): RouteState {
  return { state: message, version: BigInt(version) };
}
