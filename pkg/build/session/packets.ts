import { fromBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type Packet, Packet_PacketType, PacketSchema } from "../../../proto/gen/fsutil/types/wire_pb.ts";
import type { ContextEntry } from "../context/tree.ts";
import { FRAME_HEAD_BYTES, writeFrameHead } from "../connection/grpc_frames.ts";

/** Go's `io/fs.FileMode`: its bits for kinds and special permissions are not those of POSIX. */
const GO_MODE = { folder: 0x80000000, link: 0x08000000, pipe: 0x02000000, file: 0, hard_link: 0 } as const;
const GO_SETUID = 0x00800000;
const GO_SETGID = 0x00400000;
const GO_STICKY = 0x00100000;
const encoder = new TextEncoder();

/** The packet that lists an entry. Owners are root's, as with `docker build`. */
export function statPacket(entry: ContextEntry): Uint8Array {
  const stat = new BinaryWriter();
  text(stat, 1, entry.path);
  number(stat, 2, goMode(entry));
  // The size of a link is the length of its target, as in POSIX: BuildKit compares it with its own copy's.
  const size = entry.kind === "link" ? encoder.encode(entry.target).length : entry.size;
  if (size !== 0) stat.tag(5, WireType.Varint).int64(size);
  // Nanoseconds end in 2262: Docker's own client sends later times as what is left of them in 64 bits.
  const modifiedAtNs = BigInt.asIntN(64, entry.modifiedAtNs);
  if (modifiedAtNs !== 0n) stat.tag(6, WireType.Varint).int64(modifiedAtNs);
  if (entry.target !== "") text(stat, 7, entry.target);
  return framed(new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(stat.finish()));
}

/** The end of the list. */
export function listEndPacket(): Uint8Array {
  return framed(new BinaryWriter());
}

/** The head of a packet with a piece of a file's content, which has `length` bytes and comes behind it. An empty piece ends the file. */
export function dataHead(id: number, length: number): Uint8Array {
  const fields = new BinaryWriter();
  number(fields, 1, Packet_PacketType.PACKET_DATA);
  if (id !== 0) number(fields, 3, id);
  if (length > 0) fields.tag(4, WireType.LengthDelimited).uint32(length);
  const head = fields.finish();
  const frame = new Uint8Array(FRAME_HEAD_BYTES + head.length);
  writeFrameHead(frame, 0, head.length + length);
  frame.set(head, FRAME_HEAD_BYTES);
  return frame;
}

/** The last packet of both directions. */
export function finPacket(): Uint8Array {
  return framed(number(new BinaryWriter(), 1, Packet_PacketType.PACKET_FIN));
}

/** Ends the synchronization with a reason for the builder. */
export function errorPacket(reason: string): Uint8Array {
  const packet = number(new BinaryWriter(), 1, Packet_PacketType.PACKET_ERR);
  return framed(packet.tag(4, WireType.LengthDelimited).bytes(encoder.encode(reason)));
}

export function decodePacket(message: Uint8Array): Packet {
  return fromBinary(PacketSchema, message);
}

function goMode({ kind, mode }: ContextEntry): number {
  const special = (mode & 0o4000 ? GO_SETUID : 0) | (mode & 0o2000 ? GO_SETGID : 0) |
    (mode & 0o1000 ? GO_STICKY : 0);
  return (GO_MODE[kind] | special | (mode & 0o777)) >>> 0;
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function number(writer: BinaryWriter, field: number, value: number): BinaryWriter {
  return writer.tag(field, WireType.Varint).uint32(value);
}

function framed(writer: BinaryWriter): Uint8Array {
  const message = writer.finish();
  const frame = new Uint8Array(FRAME_HEAD_BYTES + message.length);
  writeFrameHead(frame, 0, message.length);
  frame.set(message, FRAME_HEAD_BYTES);
  return frame;
}
