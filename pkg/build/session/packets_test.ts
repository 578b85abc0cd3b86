import assert from "node:assert/strict";
import { fromBinary } from "@bufbuild/protobuf";
import { Packet_PacketType, PacketSchema } from "../../../proto/gen/fsutil/types/wire_pb.ts";
import type { ContextEntry } from "../context/tree.ts";
import { unframed } from "./testing.ts";
import { dataHead, errorPacket, finPacket, listEndPacket, statPacket } from "./packets.ts";

const ENTRY: ContextEntry = { path: "a", kind: "file", mode: 0o644, size: 3, modifiedAtNs: 5n, target: "" };

function decoded(frame: Uint8Array) {
  const { messages, rest } = unframed(frame);
  assert.deepEqual([messages.length, rest.length], [1, 0]);
  return fromBinary(PacketSchema, messages[0] ?? assert.fail());
}

Deno.test("statPacket() describes each kind of entry as Go does", async (t) => {
  const table: readonly (readonly [string, Partial<ContextEntry>, Readonly<Record<string, unknown>>])[] = [
    ["a file", {}, { mode: 0o644, size: 3n, linkname: "" }],
    ["special bits", { mode: 0o7755 }, { mode: 0x00800000 + 0x00400000 + 0x00100000 + 0o755 }],
    ["a folder", { kind: "folder", size: 0 }, { mode: 0x80000000 + 0o644, size: 0n }],
    ["a sticky folder", { kind: "folder", mode: 0o1777 }, { mode: 0x80000000 + 0x00100000 + 0o777 }],
    ["a link", { kind: "link", size: 0, target: "ä" }, { mode: 0x08000000 + 0o644, size: 2n, linkname: "ä" }],
    ["a pipe", { kind: "pipe", size: 0 }, { mode: 0x02000000 + 0o644 }],
    ["a hard link", { kind: "hard_link", target: "b" }, { mode: 0o644, size: 3n, linkname: "b" }],
    ["a time before 1970", { modifiedAtNs: -1n }, { modTime: -1n }],
    ["the first moment", { modifiedAtNs: 0n }, { modTime: 0n }],
    ["a large file", { size: 2 ** 40 }, { size: 2n ** 40n }],
    ["a path beyond ASCII", { path: "ä/\u{1f600}" }, { path: "ä/\u{1f600}" }],
  ];
  for (const [name, change, expected] of table) {
    await t.step(name, () => {
      const { type, stat } = decoded(statPacket({ ...ENTRY, ...change }));
      assert.equal(type, Packet_PacketType.PACKET_STAT);
      assert.ok(stat !== undefined);
      const found = Object.fromEntries(Object.entries(stat).filter(([key]) => key in expected));
      assert.deepEqual(found, expected);
      assert.deepEqual([stat.uid, stat.gid], [0, 0]);
    });
  }
});

Deno.test("the other packets have the form that BuildKit expects", () => {
  assert.equal(decoded(listEndPacket()).stat, undefined);
  assert.equal(decoded(finPacket()).type, Packet_PacketType.PACKET_FIN);
  const { type, id, data } = decoded(Uint8Array.of(...dataHead(300, 2), 1, 2));
  assert.deepEqual([type, id, [...data]], [Packet_PacketType.PACKET_DATA, 300, [1, 2]]);
  assert.deepEqual(decoded(dataHead(0, 0)).data.length, 0);
  assert.equal(new TextDecoder().decode(decoded(errorPacket("why")).data), "why");
});
