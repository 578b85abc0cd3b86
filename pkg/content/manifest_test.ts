import assert from "node:assert/strict";
import { cpuUsage } from "node:process";
import { create, toBinary } from "@bufbuild/protobuf";
import { ContextEntry_Kind as Kind, ContextEntrySchema } from "../../proto/gen/ctrl/v1/upload_pb.ts";
import { isFault } from "../fault/mod.ts";
import { cutManifest, ManifestReader } from "./manifest.ts";
import { fileEntry, otherEntry, randomBytes, sha256 } from "./testing.ts";
import type { ContentEntry } from "./types.ts";

/** Processor time, which a busy machine does not add to. Proportional work takes less than a tenth of it. */
const CPU_MS_MAX = 3_000;
const LARGE: ContentEntry = fileEntry("large.bin", "", {
  size: 5 << 20,
  sha256: sha256(randomBytes(10, 1)),
  chunks: [{ digest: sha256(randomBytes(11, 1)), bytes: 4 << 20 }, {
    digest: sha256(randomBytes(12, 1)),
    bytes: 1 << 20,
  }],
});
const TREE: readonly ContentEntry[] = [
  fileEntry('a "quoted" näme\n.txt', "a", { mode: 0o4755 }),
  fileEntry("empty", ""),
  otherEntry("folder", "folder"),
  fileEntry("folder/b.txt", "b"),
  otherEntry("folder/hard", "hard_link", "folder/b.txt"),
  LARGE,
  otherEntry("link", "link", "../outside"),
];

function read(bytes: Uint8Array, piece: number): ContentEntry[] {
  const reader = new ManifestReader();
  const entries: ContentEntry[] = [];
  for (let at = 0; at < bytes.length; at += piece) {
    entries.push(...reader.push(bytes.subarray(at, at + piece)));
  }
  reader.end();
  return entries;
}

Deno.test("ManifestReader reads what cutManifest() wrote, in pieces of any size", async (t) => {
  const [bytes = new Uint8Array(0)] = cutManifest(TREE).chunks;
  for (const piece of [1, 3, 100, bytes.length]) {
    await t.step(`pieces of ${piece}`, () => assert.deepEqual(read(bytes, piece), TREE));
  }
});

/** A client chooses the length of an entry: joining its pieces again and again would stop the service for a minute. */
Deno.test("ManifestReader needs time in proportion to the length of an entry", () => {
  const before = cpuUsage();
  const reader = new ManifestReader();
  const [length, piece] = [60 << 20, new Uint8Array(16 << 10)];
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, length, true);
  assert.deepEqual([...reader.push(head)], []);
  for (let at = 0; at + piece.length < length; at += piece.length) {
    assert.deepEqual([...reader.push(piece)], []);
  }
  assert.throws(() => reader.end(), (error) => isFault(error, "invalid_argument"));
  const { user, system } = cpuUsage(before);
  const cpuMs = (user + system) / 1_000;
  assert.ok(cpuMs < CPU_MS_MAX, `${cpuMs} ms`);
});

Deno.test("cutManifest() changes few chunks when one of 20,000 files changes", () => {
  const tree = Array.from(
    { length: 20_000 },
    (_, index) => fileEntry(`folder/file-${index}.txt`, `content ${index}`),
  );
  const before = cutManifest(tree);
  const after = cutManifest(tree.with(10_000, fileEntry("folder/file-10000.txt", "edited")));
  const known = new Set(before.root.manifest.map(({ digest }) => digest.join()));
  const added = after.root.manifest.filter(({ digest }) => !known.has(digest.join()));
  assert.ok(before.root.manifest.length > 10);
  assert.ok(added.length <= 2, `${added.length} new chunks`);
});

Deno.test("ManifestReader refuses what is no entry of a context", async (t) => {
  const digest = sha256(new Uint8Array(1));
  const good = { path: "a", kind: Kind.FILE, mode: 0o644, size: 1n, sha256: digest };
  const cases: Readonly<Record<string, Parameters<typeof create<typeof ContextEntrySchema>>[1]>> = {
    "no path": { ...good, path: "" },
    "a path that leads out": { ...good, path: "a/../../etc/passwd" },
    "an absolute path": { ...good, path: "/etc/passwd" },
    "a path with a NUL": { ...good, path: "a\0b" },
    "a long path": { ...good, path: "x".repeat(5_000) },
    "no kind": { ...good, kind: Kind.UNSPECIFIED },
    "a negative size": { ...good, size: -1n },
    "no digest": { ...good, sha256: new Uint8Array(0) },
    "a chunk that is too large": { ...good, size: 1n << 40n },
    "chunks of another size": { ...good, size: 5n, chunkDigests: digest, chunkLengths: [4] },
    "a digest too few": { ...good, size: 5n, chunkDigests: digest, chunkLengths: [4, 1] },
    "a hard link that leads out": { ...good, kind: Kind.HARD_LINK, target: "../b" },
  };
  for (const [name, fields] of Object.entries(cases)) {
    await t.step(name, () => {
      const message = toBinary(ContextEntrySchema, create(ContextEntrySchema, fields));
      const framed = new Uint8Array(4 + message.length);
      new DataView(framed.buffer).setUint32(0, message.length, true);
      framed.set(message, 4);
      assert.throws(() => read(framed, 64), (error) => isFault(error, "invalid_argument"));
    });
  }
  await t.step("a length beyond the limit", () => {
    assert.throws(
      () => read(new Uint8Array([255, 255, 255, 255]), 4),
      (error) => isFault(error, "invalid_argument"),
    );
  });
  await t.step("an end that is missing", () => {
    assert.throws(
      () => read((cutManifest([LARGE]).chunks[0] ?? new Uint8Array(0)).subarray(0, 20), 64),
      (error) => isFault(error, "invalid_argument"),
    );
  });
});
