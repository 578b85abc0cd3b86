/** Reads batches and snapshots, each in one consistent read. */
import { readConsistently } from "../../../../pkg/db/mod.ts";
import { describeError, Fault } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import {
  type ChangedResource,
  type CtrlDatabase,
  findOldestChange,
  findRegionVersion,
  listCoalescedChanges,
  type Queryable,
} from "../store/mod.ts";
import type { Convert, Feed, FeedEvent } from "./definition.ts";

export interface FeedSource<T> {
  readonly db: CtrlDatabase;
  readonly log: Logger;
  readonly feed: Feed<T>;
  readonly region: string;
}

/** A message or a problem. */
export type Entry<T> = Extract<FeedEvent<T>, { kind: "item" | "problem" }>;

/** Everything that changed above `after`, as it was at `to`; in order of version. */
export interface Batch<T> {
  readonly after: number;
  readonly to: number;
  readonly entries: readonly Entry<T>[];
}

/** The whole live state at `version`. */
export interface Snapshot<T> {
  readonly version: number;
  readonly entries: readonly Entry<T>[];
}

interface Pending<T> {
  readonly version: number;
  readonly resourceType: ChangedResource;
  readonly resourceId: string;
  readonly convert: Convert<T>;
}

const IDS_PER_LOAD_MAX = 500;

/** The changes after `after`, or `undefined` when the stream needs a snapshot. */
export async function readBatch<T>(source: FeedSource<T>, after: number): Promise<Batch<T> | undefined> {
  const read = await readConsistently(source.db, async (tx) => {
    const to = await findRegionVersion(tx, source.region);
    if (to === after) return { to, pending: [] };
    const oldest = await findOldestChange(tx, source.region);
    // Compacted since, or a cursor that this database never gave out.
    if (after > to || oldest === undefined || oldest > after + 1) return undefined;
    return { to, pending: await loadChanges(tx, source, after) };
  });
  if (read === undefined) return undefined;
  return { after, to: read.to, entries: await convertAll(source, read.pending) };
}

/** The whole live state. */
export async function readSnapshot<T>(source: FeedSource<T>): Promise<Snapshot<T>> {
  const read = await readConsistently(source.db, async (tx) => {
    const version = await findRegionVersion(tx, source.region);
    const pending: Pending<T>[] = [];
    for (const kind of source.feed.kinds) {
      for await (const each of kind.snapshot(tx, source.region)) {
        const { resourceId, version: resumable, row: convert } = each;
        pending.push({ version: resumable, resourceType: kind.resourceType, resourceId, convert });
      }
    }
    return { version, pending };
  });
  return { version: read.version, entries: await convertAll(source, read.pending) };
}

async function loadChanges<T>(tx: Queryable, source: FeedSource<T>, after: number): Promise<Pending<T>[]> {
  const { feed, region } = source;
  const resourceTypes = feed.kinds.map((kind) => kind.resourceType);
  const changes = await listCoalescedChanges(tx, { region, after, resourceTypes });
  const pending: Pending<T>[] = [];
  for (const kind of feed.kinds) {
    const own = changes.filter((change) => change.resourceType === kind.resourceType);
    for (let start = 0; start < own.length; start += IDS_PER_LOAD_MAX) {
      const part = own.slice(start, start + IDS_PER_LOAD_MAX);
      const loaded = await kind.load(tx, region, part.map((change) => change.resourceId));
      for (const change of part) {
        const convert = loaded.get(change.resourceId) ?? (() => kind.gone(change.resourceId));
        pending.push({ ...change, convert });
      }
    }
  }
  return pending.sort((a, b) => a.version - b.version);
}

/** After the read, because a conversion may have to ask the database for something else, e.g. a key. */
async function convertAll<T>(source: FeedSource<T>, pending: readonly Pending<T>[]): Promise<Entry<T>[]> {
  const entries: Entry<T>[] = [];
  for (const { version, resourceType, resourceId, convert } of pending) {
    try {
      entries.push({ kind: "item", version, resourceType, resourceId, message: await convert() });
    } catch (error) {
      if (error instanceof Fault && error.retryable) throw error;
      source.log.error("a resource cannot be delivered", {
        feed: source.feed.name,
        region: source.region,
        resource_type: resourceType,
        resource_id: resourceId,
        version,
        error: describeError(error),
      });
      const shown = error instanceof Fault ? error.publicMessage : undefined;
      const text = shown ?? `This ${resourceType} cannot be prepared. The control plane's log says why.`;
      entries.push({ kind: "problem", version, resourceType, resourceId, text });
    }
  }
  return entries;
}
