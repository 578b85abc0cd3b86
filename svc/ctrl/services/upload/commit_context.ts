import { type ContentEntry, contentIdOf, ManifestReader, TreeCheck } from "../../../../pkg/content/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import type { ContextRoot } from "../../../../proto/gen/ctrl/v1/upload_pb.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireProject } from "../../internal/auth/project.ts";
import { encodeManifest, readChunks } from "../../internal/contexts/mod.ts";
import {
  contextPath,
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
  const now = clock.now();
  return await transact(db, async (tx) => {
    const known = await findContextByRoot(tx, project.id, root.root);
    if (known !== undefined && await touchContext(tx, known.id, now)) return contextPath(known.id);
    const packIds = await requireChunks(tx, project.id, summary.digests, now);
    const id = newId("context", now);
    await createContext(tx, {
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
    return contextPath(id);
  });
}

interface Summary {
  readonly entries: number;
  readonly contentBytes: number;
  /** Of all chunks, those of the manifest included. */
  readonly digests: readonly string[];
}

async function readManifest(deps: UploadDeps, projectId: string, root: CheckedRoot): Promise<Summary> {
  const { contentBytesMax, entriesMax } = deps.limits;
  const digests = new Set(root.manifest.map(({ digest }) => digestText(digest)));
  const reader = new ManifestReader();
  const tree = new TreeCheck();
  const entries: ContentEntry[] = [];
  let contentBytes = 0;
  for await (const piece of readChunks(deps, projectId, root.manifest)) {
    for (const entry of reader.push(piece)) {
      tree.add(entry);
      entries.push(entry);
      contentBytes += entry.size;
      for (const { digest } of entry.chunks) digests.add(digestText(digest));
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
  return { entries: entries.length, contentBytes, digests: [...digests] };
}

/** The packs of the chunks, which from now on stay as long as the context does. */
async function requireChunks(
  tx: Tx,
  projectId: string,
  digests: readonly string[],
  nowMs: number,
): Promise<readonly string[]> {
  const chunks = await findChunks(tx, projectId, digests);
  const packIds = [...new Set(chunks.map(({ pack_id }) => pack_id))];
  const stored = await touchPacks(tx, projectId, packIds, nowMs);
  if (chunks.length < digests.length || stored.size < packIds.length) {
    throw publicFault(
      "failed_precondition",
      "A part of the build context is not uploaded, or has expired: ask again which chunks are missing, and upload them.",
    );
  }
  return packIds;
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
