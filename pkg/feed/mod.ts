/**
 * The client of a watch stream: a snapshot, then changes in order of version, then heartbeats, for ever.
 *
 * ```ts
 * const client = new FeedClient<DeploymentState, Change>({
 *   name: "deployment",
 *   open: (cursor, signal) => rpc.watchDeployments({ versionLastSeen: BigInt(cursor) }, { signal }),
 *   decode: (state) => ({ kind: "heartbeat", version: Number(state.version) }),
 *   consumer: { apply: (change, done) => run(change).then(done), reportProblem, removals },
 *   clock, log, times: { heartbeatTimeoutMs: 15_000, retryFirstMs: 200, retryMsMax: 15_000 },
 * });
 * client.resume(cursorOnDisk);
 * await client.run(signal);
 * ```
 *
 * The rules of the protocol, on the client's side:
 *
 * 1. A cursor passes only changes that were applied or quarantined. A stream is opened after the cursor.
 * 2. The first messages of a stream may be a part of a snapshot, whose items have versions in any order. Until the end of
 *    the snapshot or a heartbeat, they do not move the cursor. Without a cursor, only the end of a snapshot counts.
 * 3. The end of a snapshot removes every resource that the snapshot lacks, unless messages are missing: then nothing is
 *    removed, and the stream is opened again.
 * 4. A change that is older than the known state of its resource is ignored. Version 0 is as new as its snapshot.
 * 5. A resource with a problem keeps its state. A message of an unknown kind is skipped, and counts in a snapshot.
 * 6. A server at a lower version than it has sent before lost its history, for example in a restore. Its snapshot is
 *    applied as it is; after its heartbeat, the client asks for a snapshot. The version sent counts, not the cursor:
 *    changes that were applied before the cursor moved belong to the lost history, too.
 * 7. A stream without messages for the heartbeat timeout is aborted. Each stream that ends is opened again, after a wait
 *    that grows with the failures in a row and has jitter.
 *
 * @module
 */
export { FeedClient, type FeedClientOptions, type FeedTimes } from "./client.ts";
export { WATCH_METRICS } from "./metrics.ts";
export type { FeedChange, FeedConsumer, FeedMessage, FeedProblem, FeedRemoval } from "./types.ts";
