import type { UsageRecord } from "../../../proto/gen/moby/buildkit/v1/control_pb.ts";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { workerFacts } from "../probe/worker_facts.ts";
import type { Connection, Endpoint } from "../connection/connection.ts";

/** The content of a build cache. */
export interface CacheUsage {
  readonly entries: number;
  readonly bytes: number;
  /** Of running builds, and of images: they are never removed. */
  readonly bytesInUse: number;
  /** When the entry was used that was not used for the longest time; `undefined`: the cache is empty. */
  readonly oldestUseAtMs: number | undefined;
}

/** Bounds of a build cache. */
export interface CacheLimits {
  /** Beyond it the least recently used entries go. */
  readonly bytesMax: number;
  /** Entries go that were not used for so long. */
  readonly unusedMsMax: number;
  /** Free bytes that the disk of the cache keeps. */
  readonly bytesFreeMin: number;
  /** Free bytes of that disk, for versions of BuildKit that do not look themselves; `undefined`: not known. */
  readonly bytesFree?: () => Promise<number | undefined>;
}

export interface Pruned {
  readonly entries: number;
  readonly bytes: number;
}

const NANOSECONDS = 1_000_000n;
const ROUNDS_MAX = 5;
/** From here on BuildKit knows a cap, and looks at the free space of its disk itself. */
const OWN_FREE_SPACE = [0, 17] as const;

/** @throws a `ConnectError` when BuildKit refuses; `unavailable` when it does not answer */
export async function cacheUsage(endpoint: Endpoint, signal: AbortSignal): Promise<CacheUsage> {
  return await connected(endpoint, signal, (connection) => usageOf(connection, signal));
}

/**
 * Removes entries beyond the limits, those that were not used for the longest time first. Entries in use stay.
 *
 * @throws a `ConnectError` when BuildKit refuses; `unavailable` when it does not answer
 */
export async function pruneCache(
  endpoint: Endpoint,
  limits: CacheLimits,
  signal: AbortSignal,
): Promise<Pruned> {
  return await connected(endpoint, signal, async (connection) => {
    let pruned = await prune(connection, { keepDuration: BigInt(limits.unusedMsMax) * NANOSECONDS }, signal);
    const bounds = await sizeBounds(connection, limits, signal);
    // An engine subtracts layers of images that it has not counted before, and ends too early.
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const { entries, bytes } = await prune(connection, bounds, signal);
      pruned = { entries: pruned.entries + entries, bytes: pruned.bytes + bytes };
      if (entries === 0 || (await usageOf(connection, signal)).bytes <= limits.bytesMax) break;
    }
    return pruned;
  });
}

async function connected<T>(
  endpoint: Endpoint,
  signal: AbortSignal,
  action: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await endpoint.connect(signal);
  try {
    return await action(connection);
  } finally {
    connection.close();
  }
}

async function usageOf({ control }: Connection, signal: AbortSignal): Promise<CacheUsage> {
  const { record } = await control.diskUsage({}, { signal });
  // A shared record is a part of an image, which counts there.
  const own = record.filter(({ shared }) => !shared);
  const uses = own.map(usedAtMs).filter((each) => each !== undefined);
  return {
    entries: own.length,
    bytes: sizeOf(own),
    bytesInUse: sizeOf(own.filter(({ inUse }) => inUse)),
    oldestUseAtMs: uses.length === 0 ? undefined : uses.reduce((oldest, each) => Math.min(oldest, each)),
  };
}

function usedAtMs({ lastUsedAt, createdAt }: UsageRecord): number | undefined {
  const time = lastUsedAt ?? createdAt;
  return time === undefined ? undefined : timestampMs(time);
}

function sizeOf(records: readonly UsageRecord[]): number {
  return records.reduce((sum, { size }) => sum + Number(size), 0);
}

interface Bounds {
  readonly keepDuration?: bigint;
  /** Before 0.17 the bytes that stay; from then on the bytes that stay whatever the cap says. */
  readonly reservedSpace?: bigint;
  readonly maxUsedSpace?: bigint;
  readonly minFreeSpace?: bigint;
}

async function sizeBounds(
  connection: Connection,
  { bytesMax, bytesFreeMin, bytesFree }: CacheLimits,
  signal: AbortSignal,
): Promise<Bounds> {
  if (await looksAtItsDisk(connection, signal)) {
    return { maxUsedSpace: BigInt(bytesMax), minFreeSpace: BigInt(bytesFreeMin) };
  }
  const free = await bytesFree?.();
  const missing = free === undefined ? 0 : Math.max(0, bytesFreeMin - free);
  const { bytes } = missing === 0 ? { bytes: Infinity } : await usageOf(connection, signal);
  // 0 would stand for no bound.
  return { reservedSpace: BigInt(Math.max(1, Math.min(bytesMax, bytes - missing))) };
}

async function looksAtItsDisk(connection: Connection, signal: AbortSignal): Promise<boolean> {
  const { version } = await workerFacts(connection, signal);
  const [, major = "0", minor = "0"] = /^v?([0-9]+)\.([0-9]+)/.exec(version ?? "") ?? [];
  const [knownMajor, knownMinor] = OWN_FREE_SPACE;
  return Number(major) > knownMajor || (Number(major) === knownMajor && Number(minor) >= knownMinor);
}

async function prune({ control }: Connection, bounds: Bounds, signal: AbortSignal): Promise<Pruned> {
  let [entries, bytes] = [0, 0];
  for await (const { size } of control.prune({ all: true, ...bounds }, { signal })) {
    entries++;
    bytes += Number(size);
  }
  return { entries, bytes };
}
