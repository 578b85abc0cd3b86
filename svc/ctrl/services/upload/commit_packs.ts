import { CHUNK_BYTES_MAX, DIGEST_BYTES } from "../../../../pkg/content/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import type { PackedChunk, UploadedPack } from "../../../../proto/gen/ctrl/v1/upload_pb.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireProject } from "../../internal/auth/project.ts";
import { type ChunksTable, lockPacks, type PacksTable, storePack } from "../../internal/store/mod.ts";
import { invalid } from "../../internal/validate/mod.ts";
import type { UploadDeps } from "./deps.ts";
import { digestText } from "./digests.ts";

const PACKS_MAX = 100;
/** Chunks of all packs of one call. */
const CHUNKS_MAX = 100_000;

/**
 * Makes the chunks of uploaded packs available. Repeating it changes nothing.
 *
 * The bytes of a pack are those that its URL was made for. The places of its chunks are the client's word: a build checks the digest of
 * each chunk that it reads.
 *
 * @throws `failed_precondition` for a pack that was not uploaded, or that this project does not have
 */
export async function commitPacks(
  deps: UploadDeps,
  caller: RootKeyPrincipal,
  request: { readonly projectId: string; readonly packs: readonly UploadedPack[] },
): Promise<void> {
  const { db, clock, uploaded } = deps;
  const project = await requireProject(deps, caller, {
    id: request.projectId,
    action: "generate_upload_url",
  });
  const byId = new Map(request.packs.map((pack) => [pack.packId, pack]));
  if (byId.size === 0 || byId.size > PACKS_MAX) throw invalid("packs", `must be 1 to ${PACKS_MAX}`);
  if (request.packs.reduce((sum, { chunks }) => sum + chunks.length, 0) > CHUNKS_MAX) {
    throw invalid("packs.chunks", `must be at most ${CHUNKS_MAX} in one call`);
  }
  const offered = await transact(db, (tx) => lockPacks(tx, project.id, [...byId.keys()]));
  if (offered.length < byId.size) throw unknownPack();
  await Promise.all(offered.map((pack) => requireObject(deps, pack)));
  await transact(db, async (tx) => {
    for (const pack of await lockPacks(tx, project.id, [...byId.keys()])) {
      if (pack.state === "removing") throw unknownPack();
      if (pack.state === "offered") {
        await storePack(tx, pack.id, rowsOf(pack, byId.get(pack.id)), clock.now());
        uploaded?.(pack.size_bytes);
      }
    }
  });
}

async function requireObject({ objects }: UploadDeps, pack: PacksTable): Promise<void> {
  const object = await objects.head(pack.object_key);
  if (object?.sizeBytes === pack.size_bytes) return;
  throw publicFault(
    "failed_precondition",
    `The pack ${pack.id} was not uploaded: upload it before committing it.`,
  );
}

function rowsOf(pack: PacksTable, message: UploadedPack | undefined): readonly ChunksTable[] {
  let end = 0;
  return (message?.chunks ?? []).map((chunk) => {
    checkChunk(chunk, pack);
    // Bounds the rows of a pack by its bytes.
    if (chunk.offset < end) {
      throw invalid("packs.chunks.offset", "must lie behind the chunk before", `${chunk.offset}`);
    }
    end = chunk.offset + chunk.storedBytes;
    return {
      project_id: pack.project_id,
      digest: digestText(chunk.digest),
      pack_id: pack.id,
      pack_offset: chunk.offset,
      stored_bytes: chunk.storedBytes,
      bytes: chunk.bytes,
      deflated: chunk.deflated ? 1 : 0,
    };
  });
}

function checkChunk({ digest, offset, storedBytes, bytes, deflated }: PackedChunk, pack: PacksTable): void {
  if (digest.length !== DIGEST_BYTES) throw invalid("packs.chunks.digest", `must have ${DIGEST_BYTES} bytes`);
  if (bytes < 1 || bytes > CHUNK_BYTES_MAX) {
    throw invalid("packs.chunks.bytes", `must be between 1 and ${CHUNK_BYTES_MAX}`, String(bytes));
  }
  if (storedBytes < 1 || offset + storedBytes > pack.size_bytes) {
    throw invalid("packs.chunks.offset", "must lie within the pack", String(offset));
  }
  if (!deflated && storedBytes !== bytes) {
    throw invalid("packs.chunks.stored_bytes", "must be the chunk's own size");
  }
}

function unknownPack(): Error {
  return publicFault(
    "failed_precondition",
    "This project has no such pack, or it has expired: upload it again.",
  );
}
