/** A new state of one resource. */
export interface FeedChange<C> {
  readonly kind: "change";
  /** May be 0 in a snapshot: the state is as new as the snapshot. */
  readonly version: number;
  /** Unique in the stream, over all kinds of resources. */
  readonly resource: string;
  readonly removes: boolean;
  readonly change: C;
}

/** The server cannot read the new state of a resource. */
export interface FeedProblem {
  readonly kind: "problem";
  readonly version: number;
  /** All names that the resource may have; a snapshot keeps each of them. */
  readonly resources: readonly string[];
  readonly resourceId: string;
  readonly text: string;
}

/** A message of a stream, after decoding. */
export type FeedMessage<C> =
  | FeedChange<C>
  | FeedProblem
  /** The messages before it are the whole live state as of this version. */
  | { readonly kind: "snapshot_end"; readonly version: number; readonly resources: number }
  /** Everything up to this version was sent. */
  | { readonly kind: "heartbeat"; readonly version: number }
  /** Sent by a newer server. */
  | { readonly kind: "unknown"; readonly version: number };

/** A resource that a snapshot lacks. */
export type FeedRemoval<C> = Pick<FeedChange<C>, "resource" | "change">;

/** Holds the state that a stream describes. */
export interface FeedConsumer<C> {
  /**
   * Applies a change. It must not throw, and must call `done` when the change is applied or quarantined; further calls
   * have no effect.
   */
  apply(change: FeedChange<C>, done: () => void): void;
  reportProblem(problem: FeedProblem): void;
  /** The changes that remove everything but `kept`, at the end of a snapshot. */
  removals(
    kept: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<readonly FeedRemoval<C>[]> | readonly FeedRemoval<C>[];
  /** A new stream has its first message. */
  connected?(): void;
  /** The end of a snapshot, or a heartbeat: everything up to the server's version was passed to `apply`. */
  caughtUp?(): void;
}
