import type { Entry } from "../../archive/walk.ts";

const BLOCK = 512;
const NAME_BYTES_MAX = 100;
/** The largest number that eleven octal digits hold. */
const OCTAL_MAX = 0o77777777777;
const NS_PER_S = 1_000_000_000n;
/**
 * ustar has no room for parts of a second, and a pax record costs two blocks a file. The last twelve bytes of a header mean nothing to
 * other readers, who see whole seconds; `pkg/build` reads nine digits there, and this mark behind them.
 */
const FRACTION_AT = 500;
const FRACTION_MARK = "ns";

/** The header of one entry. The owner is root for all. */
export interface Header extends Pick<Entry, "kind" | "mode" | "size" | "modifiedAtNs" | "target"> {
  /** With a slash at the end for folders. */
  readonly name: string;
}

/** A socket becomes an empty file, as with `docker build`: archives have no type for it. */
const TYPE: Record<Header["kind"], string> = {
  file: "0",
  socket: "0",
  hard_link: "1",
  link: "2",
  folder: "5",
  pipe: "6",
};
const encoder = new TextEncoder();

/** The header blocks of one entry: ustar, with a pax record before it for what ustar has no room or letters for. */
export function tarHeader({ name, kind, mode, size, modifiedAtNs, target }: Header): Uint8Array {
  const seconds = Number(modifiedAtNs / NS_PER_S);
  const plainTime = modifiedAtNs >= 0n && seconds <= OCTAL_MAX;
  const records = [
    ...(isPlain(name) ? [] : [paxRecord("path", name)]),
    ...(isPlain(target) ? [] : [paxRecord("linkpath", target)]),
    ...(size <= OCTAL_MAX ? [] : [paxRecord("size", String(size))]),
    ...(plainTime ? [] : [paxRecord("mtime", decimal(modifiedAtNs))]),
  ];
  const body = encoder.encode(records.join(""));
  const ownAt = records.length === 0 ? 0 : BLOCK + Math.ceil(body.length / BLOCK) * BLOCK;
  const bytes = new Uint8Array(ownAt + BLOCK);
  if (records.length > 0) {
    const pax = {
      name: "pax",
      type: "x",
      mode: 0o644,
      size: body.length,
      seconds: 0,
      fraction: 0,
      target: "",
    };
    fillBlock(bytes.subarray(0, BLOCK), pax);
    bytes.set(body, BLOCK);
  }
  fillBlock(bytes.subarray(ownAt), {
    name,
    type: TYPE[kind],
    mode,
    size: Math.min(size, OCTAL_MAX),
    seconds: Math.min(Math.max(seconds, 0), OCTAL_MAX),
    fraction: plainTime ? Number(modifiedAtNs % NS_PER_S) : 0,
    target,
  });
  return bytes;
}

/** Seconds with nine digits behind the point. */
function decimal(ns: bigint): string {
  const absolute = ns < 0n ? -ns : ns;
  const fraction = String(absolute % NS_PER_S).padStart(9, "0");
  return `${ns < 0n ? "-" : ""}${absolute / NS_PER_S}.${fraction}`;
}

/** The zero bytes that fill the last block of `size` bytes. */
export function padding(size: number): Uint8Array {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);
}

/** The end of an archive. */
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
  readonly seconds: number;
  /** Nanoseconds beyond the seconds. */
  readonly fraction: number;
  readonly target: string;
}

function fillBlock(bytes: Uint8Array, { name, type, mode, size, seconds, fraction, target }: Fields): void {
  let sum = 0;
  // All of it is ASCII, and a call out of the engine per field would take most of the time.
  const put = (at: number, text: string): void => {
    for (let index = 0; index < text.length; index++) {
      const byte = text.charCodeAt(index);
      bytes[at + index] = byte;
      sum += byte;
    }
  };
  put(0, short(name));
  put(100, octal(mode, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(size, 11));
  put(136, octal(seconds, 11));
  put(148, " ".repeat(8));
  put(156, type);
  put(157, short(target));
  put(257, "ustar\0" + "00");
  if (fraction !== 0) put(FRACTION_AT, String(fraction).padStart(9, "0") + FRACTION_MARK);
  put(148, `${octal(sum, 6)}\0 `);
}

/** The name for readers without pax. */
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
