import { Buffer } from "node:buffer";
import { isIPv4, isIPv6, type Socket } from "node:net";
import { plainAddress } from "./peer.ts";

const SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");
const V1_START = Buffer.from("PROXY ");
/** The longest line of version 1, with its end. */
const V1_BYTES_MAX = 107;
const V2_HEAD_BYTES = 16;
/** Addresses, and what balancers add about themselves. */
const V2_BYTES_MAX = 2_048;
/** The start of an IPv4 address in IPv6. */
const MAPPED = Buffer.from("00000000000000000000ffff", "hex");
const V1_LINE = /^PROXY (?:(TCP4|TCP6) (\S+) (\S+) ([0-9]{1,5}) ([0-9]{1,5})|UNKNOWN.*)\r\n$/;

/** The start of a connection from a balancer. */
export type ProxyHeader =
  /** `address` is the client's; `undefined` when the balancer speaks for itself. */
  | { readonly kind: "read"; readonly bytes: number; readonly address: string | undefined }
  | { readonly kind: "more" }
  | { readonly kind: "malformed" };

const MORE: ProxyHeader = { kind: "more" };
const MALFORMED: ProxyHeader = { kind: "malformed" };

/** Reads the header of the PROXY protocol, of version 1 or 2, that `bytes` begin with. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  const first = bytes.subarray(0, SIGNATURE.length);
  if (first.equals(SIGNATURE.subarray(0, first.length))) {
    return bytes.length < V2_HEAD_BYTES ? MORE : readBinary(bytes);
  }
  const start = bytes.subarray(0, V1_START.length);
  if (!start.equals(V1_START.subarray(0, start.length))) return MALFORMED;
  const end = bytes.subarray(0, V1_BYTES_MAX).indexOf("\r\n");
  if (end === -1) return bytes.length < V1_BYTES_MAX ? MORE : MALFORMED;
  const match = V1_LINE.exec(bytes.toString("latin1", 0, end + 2));
  if (match === null) return MALFORMED;
  const [, family, source] = match;
  if (source === undefined) return { kind: "read", bytes: end + 2, address: undefined };
  const fits = family === "TCP4" ? isIPv4(source) : isIPv6(source);
  if (!fits) return MALFORMED;
  const plain = plainAddress(source);
  return { kind: "read", bytes: end + 2, address: isIPv4(plain) ? plain : source };
}

function readBinary(bytes: Buffer): ProxyHeader {
  const [command = 0, family = 0] = bytes.subarray(12, 14);
  const length = bytes.readUInt16BE(14);
  if (command >>> 4 !== 2 || (command & 15) > 1 || length > V2_BYTES_MAX) return MALFORMED;
  const end = V2_HEAD_BYTES + length;
  if (bytes.length < end) return MORE;
  const isLocal = (command & 15) === 0;
  const addresses = bytes.subarray(V2_HEAD_BYTES, end);
  if (isLocal || (family >>> 4 !== 1 && family >>> 4 !== 2)) {
    return { kind: "read", bytes: end, address: undefined };
  }
  const isV4 = family >>> 4 === 1;
  if (addresses.length < (isV4 ? 12 : 36)) return MALFORMED;
  const isMapped = !isV4 && addresses.subarray(0, MAPPED.length).equals(MAPPED);
  const v4At = isMapped ? MAPPED.length : 0;
  const address = isV4 || isMapped
    ? [...addresses.subarray(v4At, v4At + 4)].join(".")
    : Array.from({ length: 8 }, (_, index) => addresses.readUInt16BE(2 * index).toString(16)).join(":");
  return { kind: "read", bytes: end, address };
}

/**
 * Takes the header off a connection, which then gives what follows to its next reader. Calls `done` with the client's
 * address, or ends a connection that does not begin with a header within `msMax`.
 */
export function takeProxyHeader(
  socket: Socket,
  msMax: number,
  done: (address: string | undefined) => void,
): void {
  let seen = Buffer.alloc(0);
  // The socket's own limit would begin anew with each byte.
  const timer = setTimeout(() => socket.destroy(), msMax);
  socket.once("close", () => clearTimeout(timer));
  socket.on("error", () => undefined);
  const read = (): void => {
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
      seen = Buffer.concat([seen, chunk]);
    }
    const header = readProxyHeader(seen);
    if (header.kind === "more") return;
    socket.removeListener("readable", read);
    if (header.kind === "malformed") return void socket.destroy();
    clearTimeout(timer);
    const rest = seen.subarray(header.bytes);
    if (rest.length > 0) socket.unshift(rest);
    done(header.address);
  };
  socket.on("readable", read);
}
