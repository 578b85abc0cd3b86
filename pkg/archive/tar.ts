const BLOCK = 512;
const NAME_BYTES_MAX = 100;
/** The largest size that eleven octal digits hold. */
const SIZE_MAX = 0o77777777777;
/** 1980-01-01, which every tool takes. The same for all entries, or the same content would give other bytes. */
const MODIFIED_AT_SECONDS = 315_532_800;

/** What the header of one entry says. Owner and time are the same for all. */
export interface Header {
  /** With a slash at the end for folders. */
  readonly name: string;
  readonly kind: "file" | "folder" | "link";
  readonly mode: number;
  readonly size: number;
  /** Of links, else empty. */
  readonly target: string;
}

const TYPE: Record<Header["kind"], string> = { file: "0", link: "2", folder: "5" };
const encoder = new TextEncoder();

/** The header blocks of one entry: ustar, with a pax record before it for what ustar has no room or letters for. */
export function tarHeader({ name, kind, mode, size, target }: Header): Uint8Array {
  const records = [
    ...(isPlain(name) ? [] : [paxRecord("path", name)]),
    ...(isPlain(target) ? [] : [paxRecord("linkpath", target)]),
    ...(size <= SIZE_MAX ? [] : [paxRecord("size", String(size))]),
  ];
  const own = block({ name, type: TYPE[kind], mode, size: Math.min(size, SIZE_MAX), target });
  if (records.length === 0) return own;
  const body = encoder.encode(records.join(""));
  const pax = block({ name: "pax", type: "x", mode: 0o644, size: body.length, target: "" });
  return concat([pax, body, padding(body.length), own]);
}

/** The zero bytes that fill the last block of `size` bytes. */
export function padding(size: number): Uint8Array {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);
}

/** What ends an archive. */
export function tarEnd(): Uint8Array {
  return new Uint8Array(2 * BLOCK);
}

function isPlain(text: string): boolean {
  return text.length <= NAME_BYTES_MAX && /^[\x20-\x7e]*$/.test(text);
}

interface Fields {
  readonly name: string;
  readonly type: string;
  readonly mode: number;
  readonly size: number;
  readonly target: string;
}

function block({ name, type, mode, size, target }: Fields): Uint8Array {
  const bytes = new Uint8Array(BLOCK);
  const put = (at: number, text: string): void => void encoder.encodeInto(text, bytes.subarray(at));
  put(0, short(name));
  put(100, octal(mode, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(size, 11));
  put(136, octal(MODIFIED_AT_SECONDS, 11));
  put(148, " ".repeat(8));
  put(156, type);
  put(157, short(target));
  put(257, "ustar\0" + "00");
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  put(148, `${octal(sum, 6)}\0 `);
  return bytes;
}

/** What readers without pax see. */
function short(text: string): string {
  return isPlain(text) ? text : text.replace(/[^\x20-\x7e]/g, "_").slice(0, NAME_BYTES_MAX);
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = encoder.encode(` ${key}=${value}\n`).length;
  let length = rest + String(rest).length;
  if (rest + String(length).length !== length) length++;
  return `${length} ${key}=${value}\n`;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, each) => sum + each.length, 0));
  let at = 0;
  for (const each of parts) {
    all.set(each, at);
    at += each.length;
  }
  return all;
}
