import { Buffer } from "node:buffer";
import { type ChunkReference, unpackChunk } from "../../../../pkg/content/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import type { ObjectStore } from "../../../../pkg/objectstore/mod.ts";
import {
  type ChunksTable,
  type CtrlDatabase,
  findChunks,
  findPackKeys,
  forgetChunk,
  forgetPack,
  hideContextsOfPack,
  type Tx,
} from "../store/mod.ts";

/** Where chunks are read from. */
export interface ChunkSource {
  readonly db: CtrlDatabase;
  readonly objects: Pick<ObjectStore, "presignGet">;
}

const URL_MS = 15 * 60_000;
/** A slow object store gives a pack of 9 MiB in this time. */
const FETCH_MS_MAX = 120_000;
/** Whole packs that are kept in memory: files of one folder lie in few packs. */
const PACKS_KEPT = 4;
const PACK_BYTES_MAX = 9 << 20;

/**
 * The plain bytes of chunks, in order. Each is checked against its digest; a chunk that its pack does not hold is forgotten, so that
 * the next upload sends it again.
 *
 * @throws `failed_precondition` for a chunk that is missing or wrong, `invalid_argument` for one with another length, `unavailable`
 * when the object store does not answer
 */
export async function* readChunks(
  source: ChunkSource,
  projectId: string,
  chunks: readonly ChunkReference[],
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = await ChunkReader.open(source, projectId, chunks);
  for (const chunk of chunks) yield await reader.read(chunk, signal);
}

/** Reads chunks of a project in any order. */
export class ChunkReader {
  readonly #source: ChunkSource;
  readonly #places: ReadonlyMap<string, ChunksTable>;
  readonly #keys: ReadonlyMap<string, string>;
  /** The last ones that were used, oldest first. */
  readonly #packs = new Map<string, Promise<Uint8Array>>();

  private constructor(
    source: ChunkSource,
    places: readonly ChunksTable[],
    keys: ReadonlyMap<string, string>,
  ) {
    this.#source = source;
    this.#places = new Map(places.map((place) => [place.digest, place]));
    this.#keys = keys;
  }

  /** Looks up where the chunks are. Those that are not stored are missed when they are read. */
  static async open(
    source: ChunkSource,
    projectId: string,
    chunks: Iterable<ChunkReference>,
  ): Promise<ChunkReader> {
    const digests = new Set<string>();
    for (const { digest } of chunks) digests.add(text(digest));
    const places = await findChunks(source.db.kysely, projectId, [...digests]);
    const keys = await findPackKeys(source.db.kysely, projectId, [
      ...new Set(places.map(({ pack_id }) => pack_id)),
    ]);
    return new ChunkReader(source, places, keys);
  }

  async read(chunk: ChunkReference, signal?: AbortSignal): Promise<Uint8Array> {
    const place = this.#places.get(text(chunk.digest));
    if (place === undefined) throw lost();
    const pack = await this.#pack(place, signal);
    const plain = unpackChunk(pack, {
      digest: chunk.digest,
      bytes: place.bytes,
      offset: place.pack_offset,
      storedBytes: place.stored_bytes,
      deflated: place.deflated === 1,
    });
    if (plain === undefined) throw await this.#forget(place, forgetChunk);
    // The chunk is whole: the manifest is wrong, and other contexts go on using the chunk.
    if (plain.length !== chunk.bytes) throw wrongLength(chunk.bytes, plain.length);
    return plain;
  }

  async #forget(
    place: ChunksTable,
    forget: (tx: Tx, place: ChunksTable) => Promise<void>,
  ): Promise<Fault> {
    await transact(this.#source.db, async (tx) => {
      await forget(tx, place);
      await hideContextsOfPack(tx, place.pack_id);
    });
    return lost();
  }

  async #pack(place: ChunksTable, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const id = place.pack_id;
    const known = this.#packs.get(id);
    this.#packs.delete(id);
    const pack = known ?? this.#fetch(place, signal);
    this.#packs.set(id, pack);
    for (const oldest of this.#packs.keys()) {
      if (this.#packs.size <= PACKS_KEPT) break;
      this.#packs.delete(oldest);
    }
    try {
      return await pack;
    } catch (error) {
      this.#packs.delete(id);
      throw error;
    }
  }

  async #fetch(place: ChunksTable, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const key = this.#keys.get(place.pack_id);
    if (key === undefined) throw lost();
    const url = await this.#source.objects.presignGet(key, { expiresInMs: URL_MS });
    const limit = AbortSignal.timeout(FETCH_MS_MAX);
    try {
      const response = await fetch(url, {
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      });
      if (response.status === 404) {
        await response.body?.cancel();
        throw await this.#forget(place, forgetPack);
      }
      if (!response.ok || Number(response.headers.get("content-length") ?? 0) > PACK_BYTES_MAX) {
        await response.body?.cancel();
        throw unavailable(`the object store answered ${response.status}`);
      }
      return new Uint8Array(await response.arrayBuffer());
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Fault) throw error;
      throw unavailable("the object store does not answer", error);
    }
  }
}

function text(digest: Uint8Array): string {
  return Buffer.from(digest).toString("base64url");
}

function lost(): Fault {
  return publicFault(
    "failed_precondition",
    "A part of the build context is not stored as it was uploaded. Deploy again: the missing part is uploaded then.",
  );
}

function wrongLength(named: number, stored: number): Fault {
  return publicFault(
    "invalid_argument",
    `The manifest of the build context is not valid: it names a chunk of ${named} bytes that has ${stored}.`,
  );
}

function unavailable(message: string, cause?: unknown): Fault {
  return new Fault("unavailable", message, {
    publicMessage: "The build context could not be read from the object store. Try again in a moment.",
    cause,
  });
}
