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
import { type Piece, piecesOf } from "./pieces.ts";

/** Where chunks are read from. */
export interface ChunkSource {
  readonly db: CtrlDatabase;
  readonly objects: Pick<ObjectStore, "presignGet" | "fetch">;
}

const URL_MS = 15 * 60_000;
/** A slow object store gives a pack of 9 MiB in this time. */
const FETCH_MS_MAX = 120_000;
/** Pieces that are kept in memory: files of one folder lie in few packs. */
const PIECES_KEPT = 4;
const PACK_BYTES_MAX = 9 << 20;

/**
 * The plain bytes of chunks, in order. Of their packs only the parts with these chunks are fetched: the manifest of a project that was
 * deployed often lies in as many packs as it has chunks. Each is checked against its digest; a chunk that its pack does not hold is forgotten, so that
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
  const reader = await ChunkReader.open(source, projectId, chunks, "these chunks");
  for (const chunk of chunks) yield await reader.read(chunk, signal);
}

/** Reads chunks of a project in any order. */
export class ChunkReader {
  readonly #source: ChunkSource;
  readonly #places: ReadonlyMap<string, ChunksTable>;
  readonly #keys: ReadonlyMap<string, string>;
  /** Absent for chunks whose whole pack is fetched. */
  readonly #pieces: ReadonlyMap<ChunksTable, Piece>;
  /** The last ones that were used, oldest first. */
  readonly #fetched = new Map<string, Promise<Uint8Array>>();

  private constructor(
    source: ChunkSource,
    places: readonly ChunksTable[],
    keys: ReadonlyMap<string, string>,
    pieces: ReadonlyMap<ChunksTable, Piece>,
  ) {
    this.#source = source;
    this.#places = new Map(places.map((place) => [place.digest, place]));
    this.#keys = keys;
    this.#pieces = pieces;
  }

  /**
   * Looks up where the chunks are. Those that are not stored are missed when they are read. `fetches` says whether the reader wants most
   * of the chunks' packs or these chunks only.
   */
  static async open(
    source: ChunkSource,
    projectId: string,
    chunks: Iterable<ChunkReference>,
    fetches: "whole packs" | "these chunks" = "whole packs",
  ): Promise<ChunkReader> {
    const digests = new Set<string>();
    for (const { digest } of chunks) digests.add(text(digest));
    const places = await findChunks(source.db.kysely, projectId, [...digests]);
    const keys = await findPackKeys(source.db.kysely, projectId, [
      ...new Set(places.map(({ pack_id }) => pack_id)),
    ]);
    return new ChunkReader(source, places, keys, fetches === "whole packs" ? new Map() : piecesOf(places));
  }

  async read(chunk: ChunkReference, signal?: AbortSignal): Promise<Uint8Array> {
    const place = this.#places.get(text(chunk.digest));
    if (place === undefined) throw lost();
    const piece = this.#pieceOf(place);
    const fetched = await this.#piece(place, piece, signal);
    const plain = unpackChunk(fetched, {
      digest: chunk.digest,
      bytes: place.bytes,
      offset: place.pack_offset - piece.start,
      storedBytes: place.stored_bytes,
      deflated: place.deflated === 1,
    });
    if (plain === undefined) throw await this.#forget(place, forgetChunk);
    // The chunk is whole: the manifest is wrong, and other contexts go on using the chunk.
    if (plain.length !== chunk.bytes) throw wrongLength(chunk.bytes, plain.length);
    return plain;
  }

  /** Begins to fetch a chunk that is read next, so that it comes while the one before is used. Failures are left to its read. */
  prepare(chunk: ChunkReference, signal: AbortSignal): void {
    const place = this.#places.get(text(chunk.digest));
    if (place === undefined) return;
    this.#piece(place, this.#pieceOf(place), signal).catch(() => undefined);
  }

  #pieceOf(place: ChunksTable): Piece {
    return this.#pieces.get(place) ?? { packId: place.pack_id, start: 0, end: undefined };
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

  async #piece(place: ChunksTable, piece: Piece, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const id = `${piece.packId} ${piece.start}`;
    const known = this.#fetched.get(id);
    this.#fetched.delete(id);
    const fetched = known ?? this.#fetch(place, piece, signal);
    this.#fetched.set(id, fetched);
    for (const oldest of this.#fetched.keys()) {
      if (this.#fetched.size <= PIECES_KEPT) break;
      this.#fetched.delete(oldest);
    }
    try {
      return await fetched;
    } catch (error) {
      this.#fetched.delete(id);
      throw error;
    }
  }

  async #fetch(
    place: ChunksTable,
    { start, end }: Piece,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    const key = this.#keys.get(place.pack_id);
    if (key === undefined) throw lost();
    const url = await this.#source.objects.presignGet(key, { expiresInMs: URL_MS });
    const limit = AbortSignal.timeout(FETCH_MS_MAX);
    const request = this.#source.objects.fetch ?? fetch;
    try {
      const response = await request(url, {
        headers: end === undefined ? {} : { range: `bytes=${start}-${end - 1}` },
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      });
      if (response.status === 404) {
        await response.body?.cancel();
        throw await this.#forget(place, forgetPack);
      }
      // The pack ends before the chunk.
      if (response.status === 416) {
        await response.body?.cancel();
        return new Uint8Array(0);
      }
      if (!response.ok || Number(response.headers.get("content-length") ?? 0) > PACK_BYTES_MAX) {
        await response.body?.cancel();
        throw unavailable(`the object store answered ${response.status}`);
      }
      const bytes = new Uint8Array(await response.arrayBuffer());
      // A store may answer with all of it.
      return end === undefined || response.status === 206 ? bytes : bytes.subarray(start, end);
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
