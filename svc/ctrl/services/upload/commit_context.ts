import {
  type ChunkReference,
  type ContentEntry,
  contentIdOf,
  ManifestReader,
  TreeCheck,
} from "../../../../pkg/content/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import type { ContextRoot } from "../../../../proto/gen/ctrl/v1/upload_pb.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireProject } from "../../internal/auth/project.ts";
import { encodeManifest, readChunks } from "../../internal/contexts/mod.ts";
import {
  contextPath,
  countChunks,
  createContext,
  findChunks,
  findContextByRoot,
  touchContext,
  touchPacks,
  type Tx,
} from "../../internal/store/mod.ts";
import { invalid } from "../../internal/validate/mod.ts";
import type { UploadDeps } from "./deps.ts";
import { type CheckedRoot, checkRoot, digestText } from "./digests.ts";

/**
 * Makes a context available to deployments: reads its manifest, and checks that every chunk of every file is stored, its limits, and
 * its content id. Repeating it answers with the same context.
 *
 * @throws `failed_precondition` when a chunk is missing, `too_large` over a limit, `invalid_argument` for another manifest
 */
export async function commitContext(
  deps: UploadDeps,
  caller: RootKeyPrincipal,
  request: { readonly projectId: string; readonly root?: ContextRoot | undefined },
): Promise<string> {
  const { db, clock } = deps;
  const project = await requireProject(deps, caller, {
    id: request.projectId,
    action: "generate_upload_url",
  });
  const root = checkRoot(request.root);
  const summary = await readManifest(deps, project.id, root);
  const packIds = await findPacks(deps, project.id, summary.chunks);
  const now = clock.now();
  return await transact(db, async (tx) => {
    const known = await findContextByRoot(tx, project.id, root.root);
    if (known !== undefined && await touchContext(tx, known.id, now)) return contextPath(known.id);
    await requireChunks(tx, project.id, { digests: [...summary.chunks.keys()], packIds, nowMs: now });
    const id = newId("context", now);
    const committed = await createContext(tx, {
      id,
      workspace_id: caller.workspaceId,
      project_id: project.id,
      root: root.root,
      content_id: root.contentId,
      manifest: encodeManifest(root.manifest),
      files: summary.entries,
      content_bytes: summary.contentBytes,
      created_at: now,
      last_used_at: now,
    }, packIds);
    return contextPath(committed);
  });
}

interface Summary {
  readonly entries: number;
  readonly contentBytes: number;
  /** All chunks by their digest, those of the manifest included. */
  readonly chunks: ReadonlyMap<string, ChunkReference>;
}

async function readManifest(deps: UploadDeps, projectId: string, root: CheckedRoot): Promise<Summary> {
  const { contentBytesMax, entriesMax } = deps.limits;
  const chunks = new Map(root.manifest.map((chunk) => [digestText(chunk.digest), chunk]));
  const reader = new ManifestReader();
  const tree = new TreeCheck();
  const entries: ContentEntry[] = [];
  let contentBytes = 0;
  for await (const piece of readChunks(deps, projectId, root.manifest)) {
    for (const entry of reader.push(piece)) {
      tree.add(entry);
      entries.push(entry);
      contentBytes += entry.size;
      for (const chunk of entry.chunks) chunks.set(digestText(chunk.digest), chunk);
    }
    if (contentBytes > contentBytesMax) {
      throw tooLarge(`${mebibytes(contentBytes)} MiB`, `${mebibytes(contentBytesMax)} MiB`);
    }
    if (entries.length > entriesMax) throw tooLarge(`${entries.length} files`, `${entriesMax}`);
  }
  reader.end();
  if (digestText(contentIdOf(entries)) !== root.contentId) {
    throw invalid("root.content_id", "is not the one of the manifest", root.contentId);
  }
  return { entries: entries.length, contentBytes, chunks };
}

/**
 * The packs that hold the chunks. A chunk whose row has another length than its manifest is read: which of the two is wrong, its bytes
 * tell.
 */
async function findPacks(
  deps: UploadDeps,
  projectId: string,
  chunks: ReadonlyMap<string, ChunkReference>,
): Promise<readonly string[]> {
  const rows = await findChunks(deps.db.kysely, projectId, [...chunks.keys()]);
  const other = rows.find(({ digest, bytes }) => chunks.get(digest)?.bytes !== bytes);
  const chunk = other === undefined ? undefined : chunks.get(other.digest);
  if (chunk !== undefined) await readChunks(deps, projectId, [chunk]).next();
  return [...new Set(rows.map(({ pack_id }) => pack_id))];
}

/** From now on the packs stay as long as the context does. */
async function requireChunks(
  tx: Tx,
  projectId: string,
  { digests, packIds, nowMs }: {
    readonly digests: readonly string[];
    readonly packIds: readonly string[];
    readonly nowMs: number;
  },
): Promise<void> {
  const stored = await touchPacks(tx, projectId, packIds, nowMs);
  // Counted under the locks: a chunk may have been forgotten, or have got another pack, before them.
  const counts = await countChunks(tx, projectId, digests);
  const found = [...counts].reduce((sum, [packId, chunks]) => stored.has(packId) ? sum + chunks : sum, 0);
  if (found < digests.length) {
    throw publicFault(
      "failed_precondition",
      "A part of the build context is not uploaded, or has expired: ask again which chunks are missing, and upload them.",
    );
  }
}

function tooLarge(has: string, may: string): Error {
  return publicFault(
    "too_large",
    `The build context has ${has}, and at most ${may} are allowed. Name what the build does not need in .dockerignore.`,
  );
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1).replace(/\.0$/, "");
}
