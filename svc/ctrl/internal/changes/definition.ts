import type { ChangedResource, Queryable } from "../store/mod.ts";

/** One resource in a snapshot. */
export interface SnapshotRow<Row> {
  readonly resourceId: string;
  /**
   * A version from which this resource can be resumed: that of its last change. Give rows in its order, or 0 where the
   * resource does not know it.
   */
  readonly version: number;
  readonly row: Row;
}

/** One kind of resource, as its owner defines it. */
export interface FeedKindDefinition<Row, T> {
  readonly resourceType: ChangedResource;
  /** The state of these resources, by one statement. Removed resources are missing in the result. */
  load(db: Queryable, region: string, ids: readonly string[]): Promise<ReadonlyMap<string, Row>>;
  /** The whole live state, page by page. It runs inside a read-only transaction: use `db` and nothing else. */
  snapshot(db: Queryable, region: string): AsyncIterable<SnapshotRow<Row>>;
  /**
   * The message for a state; runs after the read, once for all streams. An error is that resource's problem and stops no
   * other resource, unless it is retryable: then the streams end with their cursors unmoved.
   */
  convert(row: Row, resourceId: string): T | Promise<T>;
  /** The message for a removed resource. */
  gone(resourceId: string): T;
}

/** Makes a message. Call it outside of the read. */
export type Convert<T> = () => T | Promise<T>;

/** One kind of resource, as the feed uses it. */
export interface FeedKind<T> {
  readonly resourceType: ChangedResource;
  load(db: Queryable, region: string, ids: readonly string[]): Promise<ReadonlyMap<string, Convert<T>>>;
  snapshot(db: Queryable, region: string): AsyncIterable<SnapshotRow<Convert<T>>>;
  gone(resourceId: string): T;
}

/** Several kinds that are watched as one. Compared by identity: define each feed once. */
export interface Feed<T> {
  /** For logs. */
  readonly name: string;
  readonly kinds: readonly FeedKind<T>[];
}

/** An event of a stream, before it becomes a message of its protocol. */
export type FeedEvent<T> =
  | {
    readonly kind: "item";
    /** May be 0 in a snapshot: then no cursor follows from it. */
    readonly version: number;
    readonly resourceType: ChangedResource;
    readonly resourceId: string;
    /** Shared by all streams: do not change it. */
    readonly message: T;
  }
  | {
    readonly kind: "problem";
    readonly version: number;
    readonly resourceType: ChangedResource;
    readonly resourceId: string;
    /** Public. */
    readonly text: string;
  }
  /** The events before it are the whole live state as of this version. */
  | { readonly kind: "snapshot_end"; readonly version: number; readonly resources: number }
  /** Everything up to this version was delivered. */
  | { readonly kind: "heartbeat"; readonly version: number };

/** Hides the type of the rows, so that kinds with different rows fit into one feed. */
export function feedKind<Row, T>(kind: FeedKindDefinition<Row, T>): FeedKind<T> {
  return {
    resourceType: kind.resourceType,
    gone: (resourceId) => kind.gone(resourceId),
    async load(db, region, ids) {
      const rows = await kind.load(db, region, ids);
      return new Map([...rows].map(([id, row]) => [id, () => kind.convert(row, id)]));
    },
    async *snapshot(db, region) {
      for await (const { resourceId, version, row } of kind.snapshot(db, region)) {
        yield { resourceId, version, row: () => kind.convert(row, resourceId) };
      }
    },
  };
}

/** A feed of these kinds. */
export function defineFeed<T>(name: string, kinds: readonly FeedKind<T>[]): Feed<T> {
  return { name, kinds };
}
