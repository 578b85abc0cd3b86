import type { Client } from "@connectrpc/connect";
import type { Process } from "../../pkg/cli/mod.ts";
import {
  type ChunkReference,
  type ContentEntry,
  digestKey,
  joinDigests,
  type KeptChunks,
  type Manifest,
  type Pack,
  packFiles,
  PackWriter,
} from "../../pkg/content/mod.ts";
import { isFault } from "../../pkg/fault/mod.ts";
import { fromConnectError } from "../../pkg/rpc/mod.ts";
import type { UploadService } from "../../proto/gen/ctrl/v1/upload_pb.ts";
import { retryWhileUnavailable } from "../shared/retry_while_unavailable.ts";
import { upload } from "./upload.ts";

export type UploadClient = Client<typeof UploadService>;

/** A folder whose digests are known. */
export interface UploadChunksOptions {
  readonly client: UploadClient;
  readonly projectId: string;
  readonly root: string;
  readonly entries: readonly ContentEntry[];
  /** Content that need not be read again. */
  readonly kept: KeptChunks;
  readonly manifest: Manifest;
  readonly process: Process;
  /** A further authority to trust for the store, in PEM. */
  readonly authority?: string | undefined;
  /** Called with the share of the missing bytes that are sent; a repeated attempt makes it smaller. */
  readonly onProgress: (share: number) => void;
}

/** Packs that are on their way at once; each holds about 4 MiB of memory. */
const WORKERS = 4;
/** Digests of one question. */
const DIGESTS_MAX = 10_000;
/** Places that are asked for in turn for one pack: a URL works for minutes only, and an offered pack expires. */
const OFFERS_MAX = 2;

/**
 * Uploads the chunks that the project's store lacks, and returns how many bytes were sent. Each pack can be used as soon as it is
 * committed, so another run of the command goes on where this one was interrupted.
 *
 * @throws {ContentChanged} when a file is not any more what its digests say
 */
export async function uploadChunks(options: UploadChunksOptions): Promise<number> {
  const missing = await findMissing(options);
  const total = [...missing.values()].reduce((sum, bytes) => sum + bytes, 0);
  const packs = packsOf(options, missing);
  let [stored, sent] = [0, 0];
  /** Bytes of each pack that is on its way. */
  const sending = new Map<Pack, number>();
  const report = (): void => {
    const onTheirWay = [...sending.values()].reduce((sum, bytes) => sum + bytes, 0);
    options.onProgress((stored + onTheirWay) / total);
  };
  const failed = new AbortController();
  const signal = AbortSignal.any([options.process.signal, failed.signal]);
  const work = async (): Promise<void> => {
    for (let next = packs.next(); next.done !== true; next = packs.next()) {
      signal.throwIfAborted();
      const pack = next.value;
      const plainBytes = pack.chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
      await sendPack(options, pack, signal, (bytes) => {
        sending.set(pack, plainBytes * bytes / pack.bytes.length);
        report();
      });
      sending.delete(pack);
      sent += pack.bytes.length;
      stored += plainBytes;
      report();
    }
  };
  const workers = Array.from({ length: WORKERS }, () =>
    work().catch((error: unknown) => {
      failed.abort(error);
      throw error;
    }));
  const ends = await Promise.allSettled(workers);
  options.process.signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return sent;
}

/** Lengths of the chunks that are missing, by their keys. */
async function findMissing(
  { client, projectId, entries, manifest, process }: UploadChunksOptions,
): Promise<ReadonlyMap<string, number>> {
  const all = new Map<string, ChunkReference>();
  for (const chunk of manifest.root.manifest) all.set(digestKey(chunk.digest), chunk);
  for (const { chunks } of entries) for (const chunk of chunks) all.set(digestKey(chunk.digest), chunk);
  const chunks = [...all.values()];
  const missing = new Map<string, number>();
  for (let start = 0; start < chunks.length; start += DIGESTS_MAX) {
    const part = chunks.slice(start, start + DIGESTS_MAX);
    const request = { projectId, digests: joinDigests(part) };
    const answer = await retryWhileUnavailable(
      process,
      () => client.findMissingChunks(request, { signal: process.signal }),
    );
    for (const index of answer.missing) {
      const chunk = part[index];
      if (chunk !== undefined) missing.set(digestKey(chunk.digest), chunk.bytes);
    }
  }
  return missing;
}

/** The packs of all missing chunks, those of the manifest last. */
function* packsOf(
  { root, entries, kept, manifest }: UploadChunksOptions,
  missing: ReadonlyMap<string, number>,
): Generator<Pack> {
  const isMissing = ({ digest }: ChunkReference): boolean => missing.has(digestKey(digest));
  const writer = new PackWriter();
  yield* packFiles(writer, { root, entries, kept }, isMissing);
  for (const [index, chunk] of manifest.root.manifest.entries()) {
    const plain = manifest.chunks[index];
    const full = plain !== undefined && isMissing(chunk) ? writer.add(chunk, plain) : undefined;
    if (full !== undefined) yield full;
  }
  const last = writer.end();
  if (last !== undefined) yield last;
}

/** Sends a pack; when its place is not valid any more, to another one. */
async function sendPack(
  options: UploadChunksOptions,
  pack: Pack,
  signal: AbortSignal,
  onSent: (bytes: number) => void,
): Promise<void> {
  for (let offer = 1;; offer++) {
    try {
      return await sendOnce(options, pack, signal, onSent);
    } catch (error) {
      signal.throwIfAborted();
      if (offer === OFFERS_MAX || !isFault(fromConnectError(error), "failed_precondition")) throw error;
    }
  }
}

async function sendOnce(
  { client, projectId, authority, process: { env, clock } }: UploadChunksOptions,
  { bytes, checksumSha256, chunks }: Pack,
  signal: AbortSignal,
  onSent: (bytes: number) => void,
): Promise<void> {
  const offer = { projectId, packs: [{ sizeBytes: BigInt(bytes.length), checksumSha256 }] };
  // By the signal of all workers: no worker waits for its next attempt when another one has failed.
  const waiting = { clock, signal };
  const { uploads: [target] } = await retryWhileUnavailable(
    waiting,
    () => client.createPacks(offer, { signal }),
  );
  if (target === undefined) throw new Error("the control plane offered no place for a pack");
  const { packId, url, headers } = target;
  await upload({ bytes, url, headers, authority, env, clock, signal, onSent });
  const commit = { projectId, packs: [{ packId, chunks: [...chunks] }] };
  await retryWhileUnavailable(waiting, () => client.commitPacks(commit, { signal }));
}
