import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { ContextEntrySchema } from "../../proto/gen/ctrl/v1/upload_pb.ts";
import { joinDigests } from "./digest.ts";
import { EntryWriter, KINDS } from "./entry_writer.ts";
import { fileEntry, otherEntry, randomBytes, sha256 } from "./testing.ts";
import type { ContentEntry } from "./types.ts";

/** The entry as the runtime library writes it. */
function byLibrary(entry: ContentEntry): Uint8Array {
  const several = entry.chunks.length > 1;
  return toBinary(
    ContextEntrySchema,
    create(ContextEntrySchema, {
      path: entry.path,
      kind: KINDS[entry.kind],
      mode: entry.mode,
      size: BigInt(entry.size),
      modifiedAtNs: entry.modifiedAtNs,
      target: entry.target,
      sha256: entry.sha256,
      chunkDigests: several ? joinDigests(entry.chunks) : new Uint8Array(0),
      chunkLengths: several ? entry.chunks.map(({ bytes }) => bytes) : [],
    }),
  );
}

function chunks(count: number, bytes: number): ContentEntry["chunks"] {
  return Array.from({ length: count }, (_, index) => ({ digest: sha256(randomBytes(9, index)), bytes }));
}

const ENTRIES: Readonly<Record<string, ContentEntry>> = {
  "a file": fileEntry("a.txt", "a"),
  "an empty file": fileEntry("empty", ""),
  "a link": otherEntry("link", "link", "../elsewhere"),
  "a folder without permissions": { ...otherEntry("f", "folder"), mode: 0 },
  "a path of 127 bytes": fileEntry("p".repeat(127), ""),
  "a path of 128 bytes": fileEntry("p".repeat(128), ""),
  "a path whose UTF-8 is longer": fileEntry(`${"ä".repeat(64)}/\u{1f600}`, ""),
  "a path of 4,096 bytes, and as long a target": otherEntry("p".repeat(4_096), "link", "t".repeat(4_096)),
  "the epoch": fileEntry("a", "a", { modifiedAtNs: 0n }),
  "a time before it": fileEntry("a", "a", { modifiedAtNs: -1n }),
  "the first time": fileEntry("a", "a", { modifiedAtNs: -(2n ** 63n) }),
  "the last time": fileEntry("a", "a", { modifiedAtNs: 2n ** 63n - 1n }),
  "times of few bytes": fileEntry("a", "a", { modifiedAtNs: 127n }),
  "times of some bytes": fileEntry("a", "a", { modifiedAtNs: 2n ** 32n }),
  "a large size": fileEntry("a", "", { size: Number.MAX_SAFE_INTEGER }),
  "every bit of a mode": fileEntry("a", "a", { mode: 0o7777 }),
  "two chunks": fileEntry("a", "", { size: 256, chunks: chunks(2, 128) }),
  "many chunks": fileEntry("a", "", { size: 3_000 * (4 << 20), chunks: chunks(3_000, 4 << 20) }),
};

Deno.test("EntryWriter writes what the library for protobuf writes", async (t) => {
  for (const [name, entry] of Object.entries(ENTRIES)) {
    await t.step(name, () => {
      const writer = new EntryWriter();
      writer.add(entry);
      const bytes = writer.take();
      assert.equal(new DataView(bytes.buffer).getUint32(0, true), bytes.length - 4);
      assert.deepEqual(bytes.slice(4), byLibrary(entry));
    });
  }
});

Deno.test("EntryWriter writes entries one behind the other, and begins again after take()", () => {
  const writer = new EntryWriter();
  const entries = Object.values(ENTRIES);
  const expected = entries.map((entry) => 4 + byLibrary(entry).length).reduce((sum, bytes) => sum + bytes);
  for (let round = 0; round < 2; round++) {
    for (const entry of entries) writer.add(entry);
    assert.equal(writer.length, expected);
    assert.equal(writer.take().length, expected);
    assert.equal(writer.length, 0);
  }
});
