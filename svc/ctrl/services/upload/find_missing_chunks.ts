import { transact } from "../../../../pkg/db/mod.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireProject } from "../../internal/auth/project.ts";
import { findChunks, touchPacks } from "../../internal/store/mod.ts";
import type { UploadDeps } from "./deps.ts";
import { digestText, splitDigests } from "./digests.ts";

const DIGESTS_MAX = 10_000;

/**
 * The positions of the chunks that the project's store lacks. Those that it has are kept from being collected for long enough to commit
 * the context that needs them.
 */
export async function findMissingChunks(
  deps: UploadDeps,
  caller: RootKeyPrincipal,
  request: { readonly projectId: string; readonly digests: Uint8Array },
): Promise<readonly number[]> {
  const { db, clock } = deps;
  const project = await requireProject(deps, caller, {
    id: request.projectId,
    action: "generate_upload_url",
  });
  const digests = splitDigests("digests", request.digests, DIGESTS_MAX).map(digestText);
  const stored = await transact(db, async (tx) => {
    const chunks = await findChunks(tx, project.id, digests);
    const packs = await touchPacks(tx, project.id, chunks.map(({ pack_id }) => pack_id), clock.now());
    return new Set(chunks.filter(({ pack_id }) => packs.has(pack_id)).map(({ digest }) => digest));
  });
  return digests.flatMap((digest, index) => stored.has(digest) ? [] : [index]);
}
