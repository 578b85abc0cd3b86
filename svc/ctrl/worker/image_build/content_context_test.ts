import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { ContextArchive } from "../../../../pkg/build/mod.ts";
import { type ContentEntry, cutManifest, PackWriter } from "../../../../pkg/content/mod.ts";
import { fileEntry, otherEntry } from "../../../../pkg/content/testing.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { encodeManifest } from "../../internal/contexts/mod.ts";
import {
  createContext,
  createPacks,
  type CtrlDatabase,
  findChunks,
  findContextByRoot,
  storePack,
} from "../../internal/store/mod.ts";
import { NOW_MS, type Seed, seedProject } from "../../internal/store/testing.ts";
import { newContext, newPack } from "../../internal/store/testing_content.ts";
import { digestText } from "../../services/upload/digests.ts";
import { memoryDatabase } from "../testing.ts";
import { openContentContext, readFailure } from "./content_context.ts";
import type { FailedBuild } from "./plan.ts";

const { signal } = new AbortController();
const CONTENTS: Readonly<Record<string, string>> = { "a.txt": "a", "b.txt": "b".repeat(1_000), "empty": "" };
const ENTRIES = [
  ...Object.entries(CONTENTS).map(([path, content]) => fileEntry(path, content)),
  otherEntry("folder", "folder"),
];

interface Bed {
  readonly db: CtrlDatabase;
  readonly seed: Seed;
  readonly contextId: string;
  readonly root: string;
  /** Packs by the last part of their keys: the manifest's, then one for each file that has content. */
  readonly objects: Map<string, Uint8Array<ArrayBuffer>>;
  readonly fetched: string[];
  /** The range of each request for an object. */
  readonly ranges: (string | null)[];
  status: number | undefined;
  open(id?: string, projectId?: string): Promise<ContextArchive | FailedBuild>;
}

async function onBed(
  test: (bed: Bed) => Promise<void>,
  entries: readonly ContentEntry[] = ENTRIES,
): Promise<void> {
  const db = await memoryDatabase();
  const seed = await seedProject(db);
  const objects = new Map<string, Uint8Array<ArrayBuffer>>();
  const manifest = cutManifest(entries);
  const packIds: string[] = [];
  const store = async (digest: Uint8Array, plain: Uint8Array): Promise<void> => {
    const writer = new PackWriter();
    writer.add({ digest, bytes: plain.length }, plain);
    const packed = writer.end();
    assert.ok(packed !== undefined);
    const pack = newPack(seed, { size_bytes: packed.bytes.length });
    await createPacks(db.kysely, [pack]);
    const rows = packed.chunks.map((chunk) => ({
      project_id: seed.projectId,
      digest: digestText(chunk.digest),
      pack_id: pack.id,
      pack_offset: chunk.offset,
      stored_bytes: chunk.storedBytes,
      bytes: chunk.bytes,
      deflated: chunk.deflated ? 1 : 0,
    }));
    await transact(db, (tx) => storePack(tx, pack.id, rows, NOW_MS));
    objects.set(pack.object_key, packed.bytes);
    packIds.push(pack.id);
  };
  for (const [index, { digest }] of manifest.root.manifest.entries()) {
    await store(digest, manifest.chunks[index] ?? new Uint8Array(0));
  }
  for (const { path, chunks: [chunk] } of entries) {
    if (chunk !== undefined) await store(chunk.digest, new TextEncoder().encode(CONTENTS[path]));
  }
  const context = newContext(seed, { root: randomUUID(), manifest: encodeManifest(manifest.root.manifest) });
  await transact(db, (tx) => createContext(tx, context, packIds));
  const fetched: string[] = [];
  const ranges: (string | null)[] = [];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    (request) => {
      const key = new URL(request.url).pathname.slice(1);
      fetched.push(key);
      ranges.push(request.headers.get("range"));
      if (bed.status !== undefined) return new Response("", { status: bed.status });
      const bytes = objects.get(key);
      return bytes === undefined ? new Response("", { status: 404 }) : new Response(bytes);
    },
  );
  const base = `http://127.0.0.1:${server.addr.port}`;
  const source = { db, objects: { presignGet: (key: string) => Promise.resolve(`${base}/${key}`) } };
  const bed: Bed = {
    db,
    seed,
    contextId: context.id,
    root: context.root,
    objects,
    fetched,
    ranges,
    status: undefined,
    open: (id = context.id, projectId = seed.projectId) => openContentContext(source, projectId, id, signal),
  };
  try {
    await test(bed);
  } finally {
    await db.close();
  }
}

function opened(context: ContextArchive | FailedBuild): ContextArchive {
  if ("kind" in context) throw new Error(context.message);
  return context;
}

async function contentOf(context: ContextArchive, path: string): Promise<string> {
  const entry = context.entries.find((each) => each.path === path);
  assert.ok(entry !== undefined);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of context.read(entry, signal)) parts.push(new Uint8Array(piece));
  return await new Blob(parts).text();
}

/** The key of the pack with a file's content. */
function keyOf({ objects }: Bed, path: string): string {
  const at = Object.keys(CONTENTS).indexOf(path) + 1;
  return [...objects.keys()][at] ?? "";
}

Deno.test("files are read in any order, as they were uploaded, and only their packs are fetched", () =>
  onBed(async (bed) => {
    const context = opened(await bed.open());
    assert.deepEqual(context.entries.map(({ path, kind, size }) => [path, kind, size]), [
      ["a.txt", "file", 1],
      ["b.txt", "file", 1_000],
      ["empty", "file", 0],
      ["folder", "folder", 0],
    ]);
    assert.equal(bed.fetched.length, 1, "the manifest");
    for (const path of ["b.txt", "empty"]) {
      assert.equal(await contentOf(context, path), CONTENTS[path]);
    }
    assert.deepEqual(bed.fetched.slice(1), [keyOf(bed, "b.txt")]);
    for (const path of ["a.txt", "b.txt"]) assert.equal(await contentOf(context, path), CONTENTS[path]);
    assert.equal(readFailure(context), undefined);
  }));

/** An edit of a large context needs few of its files; to look up all of them took longer than to read these. */
Deno.test("a build that needs few files fetches their chunks, and one that needs many fetches whole packs", () =>
  onBed(async (bed) => {
    const context = opened(await bed.open());
    const before = bed.ranges.length;
    for (let read = 0; read < 20; read++) assert.equal(await contentOf(context, "a.txt"), "a");
    const wholes = bed.ranges.slice(before).map((range) => range === null);
    assert.deepEqual(wholes, Array.from({ length: 17 }, (_, read) => read === 16));
  }));

Deno.test("a context that is gone, or another project's, is missing", () =>
  onBed(async ({ db, contextId, open }) => {
    for (
      const context of [await open("ctx_none"), await open(contextId, (await seedProject(db)).projectId)]
    ) {
      assert.ok("kind" in context);
      assert.equal(context.code, "context_missing");
    }
  }));

Deno.test("a wrong chunk fails the build with a text that helps, and is forgotten", () =>
  onBed(async (bed) => {
    const { db, seed, objects, open, root } = bed;
    objects.set(keyOf(bed, "a.txt"), new TextEncoder().encode("x"));
    const context = opened(await open());
    assert.equal(await contentOf(context, "b.txt"), CONTENTS["b.txt"]);
    await assert.rejects(contentOf(context, "a.txt"), (error) => isFault(error, "failed_precondition"));
    const failed = readFailure(context);
    assert.equal(failed?.code, "context_invalid");
    assert.match(failed.message, /Deploy again: the missing part is uploaded then/);
    const digests = ENTRIES.flatMap(({ chunks }) => chunks).map(({ digest }) => digestText(digest));
    const left = await findChunks(db.kysely, seed.projectId, digests);
    assert.deepEqual(left.map(({ digest }) => digest), [digests[1]]);
    assert.equal(await findContextByRoot(db.kysely, seed.projectId, root), undefined, "it is uploaded again");
    assert.equal(
      await contentOf(opened(await open()), "b.txt"),
      CONTENTS["b.txt"],
      "a build that waits can read on",
    );
  }));

Deno.test("a wrong manifest is a failed build, too", () =>
  onBed(async (bed) => {
    const [manifest = ""] = bed.objects.keys();
    bed.objects.set(manifest, new TextEncoder().encode("x"));
    const context = await bed.open();
    assert.ok("kind" in context);
    assert.match(context.message, /Deploy again/);
  }));

Deno.test("a store that does not answer is trouble of the platform, and forgets nothing", () =>
  onBed(async (bed) => {
    bed.status = 503;
    await assert.rejects(bed.open(), (error) => isFault(error, "unavailable"));
    bed.status = undefined;
    const context = opened(await bed.open());
    bed.status = 500;
    await assert.rejects(contentOf(context, "a.txt"), (error) => isFault(error, "unavailable"));
    assert.throws(() => readFailure(context), (error) => isFault(error, "unavailable"));
    bed.status = undefined;
    assert.equal(await contentOf(context, "a.txt"), "a");
  }));

Deno.test("the stamp digest tells whether files with a time in whole seconds changed", async () => {
  const digestOf = async (...entries: readonly ContentEntry[]): Promise<string> => {
    let digest = "";
    await onBed(async ({ open }) => void (digest = opened(await open()).stampDigest), entries);
    return digest;
  };
  const modifiedAtNs = 1_700_000_000_000_000_000n;
  const stamped = fileEntry("a.txt", CONTENTS["a.txt"] ?? "", { modifiedAtNs });
  const plain = fileEntry("b.txt", CONTENTS["b.txt"] ?? "");
  const digest = await digestOf(stamped);
  assert.match(digest, /^[0-9a-f]{64}$/);
  assert.equal(await digestOf(stamped, plain), digest, "times with fractions come from the disk");
  assert.equal(await digestOf(stamped, fileEntry("empty", "", { modifiedAtNs })), digest);
  assert.notEqual(await digestOf({ ...plain, modifiedAtNs }), digest);
  assert.equal(await digestOf(plain), "");
});
