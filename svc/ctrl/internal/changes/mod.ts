/**
 * The change feed: how desired state reaches agents and edges, in order, without loss, and without a query per stream.
 *
 * ```ts
 * // A writer: state, version and change in one transaction; then wake the watchers.
 * await transact(db, (tx) => placeDeployment(tx, placement));
 * notifier.changed(["local"]);
 *
 * // A server stream:
 * const DEPLOYMENTS = defineFeed("deployments", [feedKind({ resourceType: "deployment", load, snapshot, convert, gone })]);
 * return hub.watch(DEPLOYMENTS, { region, sinceVersion, signal }, { toMessage });
 * ```
 *
 * A stream is a snapshot (unless its cursor can be resumed; never later than at its beginning), then changes in order of
 * version, each resource once per batch with its latest state, then heartbeats. Every batch is read in one consistent
 * read, so a message that is labelled with a version never holds an older state than that version, on whichever process
 * it was read.
 *
 * @module
 */
export { appendChanges, type Change, compactChanges, EDGE_REGION, type Retention } from "../store/mod.ts";
export {
  defineFeed,
  type Feed,
  type FeedEvent,
  type FeedKind,
  feedKind,
  type FeedKindDefinition,
  type SnapshotRow,
} from "./definition.ts";
export { ChangeHub, type ChangeHubOptions, type Delivery, type WatchOptions } from "./hub.ts";
export { type ChangeNotifier, createNudger, type Nudger, type NudgerOptions } from "./nudger.ts";
export { inPages } from "./pages.ts";
export { sharedMessages } from "./shared.ts";
