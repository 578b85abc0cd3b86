/** A client of the upload service, as small as it can be. */
import type { Client } from "@connectrpc/connect";
import assert from "node:assert/strict";
import {
  type ContentEntry,
  cutManifest,
  digestKey,
  joinDigests,
  type Manifest,
  type Pack,
  PackWriter,
} from "../../../../pkg/content/mod.ts";
import { fileEntry } from "../../../../pkg/content/testing.ts";
import { UploadService } from "../../../../proto/gen/ctrl/v1/upload_pb.ts";
import type { Tenant, TestApi } from "../testing.ts";

export type UploadClient = Client<typeof UploadService>;

/** A tree of small files, with its manifest and the bytes of all chunks. */
export interface Tree {
  readonly entries: readonly ContentEntry[];
  readonly manifest: Manifest;
  readonly root: {
    readonly manifestDigests: Uint8Array;
    readonly manifestLengths: number[];
    readonly contentId: Uint8Array;
  };
  /** Plain bytes by `digestKey`. */
  readonly plain: ReadonlyMap<string, Uint8Array>;
}

export function treeOf(files: Readonly<Record<string, string>>): Tree {
  const entries = Object.entries(files).map(([path, content]) => fileEntry(path, content));
  const manifest = cutManifest(entries);
  const plain = new Map<string, Uint8Array>();
  entries.forEach(({ chunks: [chunk] }, index) => {
    if (chunk !== undefined) {
      plain.set(digestKey(chunk.digest), new TextEncoder().encode(Object.values(files)[index]));
    }
  });
  manifest.root.manifest.forEach(({ digest }, index) => {
    plain.set(digestKey(digest), manifest.chunks[index] ?? new Uint8Array(0));
  });
  return { entries, manifest, root: rootOf(manifest), plain };
}

/** A manifest's root as a message. */
export function rootOf({ root }: Manifest): Tree["root"] {
  return {
    manifestDigests: joinDigests(root.manifest),
    manifestLengths: root.manifest.map(({ bytes }) => bytes),
    contentId: root.contentId,
  };
}

export function uploadClient(api: TestApi, { rootKey }: Tenant): UploadClient {
  return api.client(UploadService, rootKey);
}

/** Each chunk of a tree once, the manifest's first. */
export function chunksOf({ entries, manifest }: Tree): readonly { digest: Uint8Array; bytes: number }[] {
  const all = [...manifest.root.manifest, ...entries.flatMap(({ chunks }) => chunks)];
  return [...new Map(all.map((chunk) => [digestKey(chunk.digest), chunk])).values()];
}

/** Uploads what is missing, in one pack, and commits it. Returns the number of chunks that were sent. */
export async function sendChunks(client: UploadClient, projectId: string, tree: Tree): Promise<number> {
  const chunks = chunksOf(tree);
  const { missing } = await client.findMissingChunks({ projectId, digests: joinDigests(chunks) });
  const writer = new PackWriter();
  for (const index of missing) {
    const chunk = chunks[index];
    assert.ok(chunk !== undefined);
    writer.add(chunk, tree.plain.get(digestKey(chunk.digest)) ?? new Uint8Array(0));
  }
  const pack = writer.end();
  if (pack !== undefined) await sendPack(client, projectId, pack);
  return missing.length;
}

/** Uploads one pack and commits it. */
export async function sendPack(client: UploadClient, projectId: string, pack: Pack): Promise<string> {
  const packId = await putPack(client, projectId, pack);
  await client.commitPacks({ projectId, packs: [{ packId, chunks: [...pack.chunks] }] });
  return packId;
}

/** Uploads one pack without committing it. */
export async function putPack(client: UploadClient, projectId: string, pack: Pack): Promise<string> {
  const { uploads: [upload] } = await client.createPacks({
    projectId,
    packs: [{ sizeBytes: BigInt(pack.bytes.length), checksumSha256: pack.checksumSha256 }],
  });
  assert.ok(upload !== undefined);
  const response = await fetch(upload.url, { method: "PUT", headers: upload.headers, body: pack.bytes });
  await response.body?.cancel();
  assert.equal(response.status, 200);
  return upload.packId;
}

/** Uploads a whole tree; returns the context's path. */
export async function sendTree(client: UploadClient, projectId: string, tree: Tree): Promise<string> {
  await sendChunks(client, projectId, tree);
  return (await client.commitContext({ projectId, root: tree.root })).buildContextPath;
}
