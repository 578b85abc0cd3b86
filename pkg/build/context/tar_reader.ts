/** One entry of an archive, as its headers say. */
export interface TarEntry {
  /** As written, without a slash at the end. */
  readonly path: string;
  readonly kind: "file" | "folder" | "link" | "hard_link" | "pipe";
  readonly mode: number;
  readonly size: number;
  readonly modifiedAtNs: bigint;
  readonly target: string;
  /** Where the content begins in the archive. */
  readonly offset: number;
}

const BLOCK = 512;
const BLANK = 0x20;
const ZERO = 0x30;
/** Names and attributes of one entry; GNU tar and Go write far less. */
const EXTENSION_BYTES_MAX = 1024 * 1024;
const NANOSECONDS = 1_000_000_000n;
/** A byte order mark is a part of a name. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const KINDS: Readonly<Record<string, TarEntry["kind"]>> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  "1": "hard_link",
  "2": "link",
  "5": "folder",
  "6": "pipe",
};

/** A reason why bytes are no archive that can be built from; the text is for the user. */
export class TarProblem extends Error {}

/** Attributes that come before the header that they belong to. */
interface Attributes {
  path?: string;
  target?: string;
  size?: number;
  modifiedAtNs?: bigint;
}

/**
 * Reads the entries of a tar archive from its bytes as they pass by: ustar, pax (POSIX.1-2001) and GNU long names. Content is
 * not kept, only where it is.
 */
export class TarReader {
  readonly #take: (entry: TarEntry) => void;
  /** Bytes of an incomplete header or extension. */
  #held = new Uint8Array(0);
  /** Position of the next byte in the archive. */
  #position = 0;
  /** Bytes of content and padding that are left to pass. */
  #skip = 0;
  #extension: { readonly type: string; readonly size: number } | undefined;
  #attributes: Attributes = {};
  #ended = false;
  #begun = false;

  constructor(take: (entry: TarEntry) => void) {
    this.#take = take;
  }

  /** @throws TarProblem */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#ended) {
        this.#position += chunk.length - at;
        return;
      }
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, chunk.length - at);
        this.#skip -= passed;
        this.#position += passed;
        at += passed;
        continue;
      }
      const wanted = this.#extension === undefined ? BLOCK : padded(this.#extension.size);
      const part = chunk.subarray(at, at + wanted - this.#held.length);
      at += part.length;
      this.#position += part.length;
      if (this.#held.length + part.length < wanted) {
        this.#held = joined(this.#held, part);
        return;
      }
      const whole = this.#held.length === 0 ? part : joined(this.#held, part);
      this.#held = new Uint8Array(0);
      if (this.#extension === undefined) this.#header(whole);
      else this.#extend(this.#extension, whole.subarray(0, this.#extension.size));
    }
  }

  /**
   * Call it after the last byte. An archive without an empty block at its end (POSIX demands two) counts as cut off: files would be
   * missing from the build, without a message.
   *
   * @throws TarProblem when the archive is cut off or is none
   */
  end(): void {
    if (!this.#begun) throw new TarProblem(this.#held.length > 0 ? "it is not a tar archive" : "it is empty");
    if (!this.#ended) throw new TarProblem("it is cut off");
  }

  #header(block: Uint8Array): void {
    if (block.every((byte) => byte === 0)) {
      // Some writers leave out the second one of the two empty blocks that end an archive.
      this.#begun = true;
      this.#ended = true;
      return;
    }
    if (!checksumHolds(block)) {
      throw new TarProblem(this.#begun ? "it is damaged" : "it is not a tar archive");
    }
    this.#begun = true;
    const type = String.fromCharCode(block[156] ?? 0);
    const size = number(block, 124, 12);
    if (type === "x" || type === "g" || type === "L" || type === "K") {
      if (size > EXTENSION_BYTES_MAX) throw new TarProblem("a name or an attribute in it is too long");
      if (size > 0) this.#extension = { type, size };
      return;
    }
    this.#entry(block, type, this.#attributes.size ?? size);
  }

  #entry(block: Uint8Array, type: string, size: number): void {
    const attributes = this.#attributes;
    this.#attributes = {};
    const prefix = text(block, 257, 5) === "ustar" && block[262] === 0 ? text(block, 345, 155) : "";
    const name = text(block, 0, 100);
    const written = attributes.path ?? (prefix === "" ? name : `${prefix}/${name}`);
    const path = written.replace(/(?<!\/)\/+$/, "");
    // Before ustar a folder was a file whose name ends with a slash.
    const kind = type === "0" || type === "\0" ? (written.endsWith("/") ? "folder" : "file") : KINDS[type];
    if (kind === undefined) throw new TarProblem(unknownType(type, path));
    const content = kind === "file" ? size : 0;
    this.#take({
      path,
      kind,
      mode: number(block, 100, 8) & 0o7777,
      size: content,
      modifiedAtNs: attributes.modifiedAtNs ?? seconds(block, 136, 12) * NANOSECONDS + fraction(block),
      target: kind === "link" || kind === "hard_link" ? attributes.target ?? text(block, 157, 100) : "",
      offset: this.#position,
    });
    this.#skip = padded(content);
  }

  #extend({ type }: { readonly type: string }, data: Uint8Array): void {
    this.#extension = undefined;
    if (type === "L") this.#attributes.path = utf8(untilZero(data));
    else if (type === "K") this.#attributes.target = utf8(untilZero(data));
    // Attributes for the whole archive name none that an entry needs: Git writes a comment.
    else if (type === "x") Object.assign(this.#attributes, paxAttributes(data));
  }
}

function paxAttributes(data: Uint8Array): Attributes {
  const found: Attributes = {};
  for (let at = 0; at < data.length;) {
    const space = data.indexOf(0x20, at);
    const length = space < 0 ? NaN : Number(latin1(data.subarray(at, space)));
    if (!Number.isInteger(length) || length <= space - at || at + length > data.length) {
      throw new TarProblem("its pax attributes are damaged");
    }
    const record = data.subarray(space + 1, at + length - 1);
    const equals = record.indexOf(0x3d);
    const [key, value] = [latin1(record.subarray(0, equals)), record.subarray(equals + 1)];
    at += length;
    // The header's own value counts then (POSIX, "pax Extended Header").
    if (value.length === 0) continue;
    if (key === "path") found.path = utf8(value);
    else if (key === "linkpath") found.target = utf8(value);
    else if (key === "size") found.size = Number(latin1(value));
    else if (key === "mtime") found.modifiedAtNs = nanoseconds(latin1(value));
    else if (key.startsWith("GNU.sparse.")) throw new TarProblem(SPARSE);
  }
  if (found.size !== undefined && !(Number.isSafeInteger(found.size) && found.size >= 0)) {
    throw new TarProblem("a size in it is not a number");
  }
  return found;
}

const SPARSE = "it was made with sparse files: make it without (GNU tar: leave out --sparse)";

function unknownType(type: string, path: string): string {
  if (type === "S") return SPARSE;
  if (type === "3" || type === "4") return `"${path}" is a device`;
  return `"${path}" is of a kind that is not known (${JSON.stringify(type)})`;
}

/** Seconds with a fraction, e.g. `1700000000.123456789`; times before 1970 are negative. */
function nanoseconds(value: string): bigint {
  const [, sign, seconds = "0", fraction = ""] = /^(-?)([0-9]{1,12})(?:\.([0-9]*))?$/.exec(value) ?? [];
  if (sign === undefined) throw new TarProblem(`"${value.slice(0, 40)}" in it is not a time`);
  const whole = BigInt(seconds) * NANOSECONDS + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
  return sign === "-" ? -whole : whole;
}

/** A time of a header; GNU tar writes times before 1970 as two's complement. */
function seconds(block: Uint8Array, at: number, length: number): bigint {
  if (block[at] !== 0xff) return BigInt(number(block, at, length));
  let value = 0n;
  for (const byte of block.subarray(at, at + length)) value = value * 256n + BigInt(byte);
  return BigInt.asIntN(64, value);
}

/** Octal digits, or with the highest bit set a big-endian number (GNU). */
function number(block: Uint8Array, at: number, length: number): number {
  const first = block[at] ?? 0;
  let value = 0;
  if (first & 0x80) {
    value = first & 0x7f;
    for (let next = at + 1; next < at + length; next++) value = value * 256 + (block[next] ?? 0);
  } else {
    value = octal(block, at, at + length) ?? damaged();
  }
  if (!Number.isSafeInteger(value)) throw new TarProblem("a number in it is too large");
  return value;
}

function damaged(): never {
  throw new TarProblem("a number in it is damaged");
}

/** Digits between blanks, up to a zero byte; none are 0. `undefined` for anything else. A header has five such numbers. */
function octal(block: Uint8Array, at: number, end: number): number | undefined {
  let value = 0;
  while (at < end && block[at] === BLANK) at++;
  for (; at < end; at++) {
    const digit = (block[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  while (at < end && block[at] === BLANK) at++;
  return at === end || block[at] === 0 ? value : undefined;
}

/** Nanoseconds beyond the seconds, where our own archives keep them: nine digits and `ns`. Other writers leave zeros there. */
function fraction(block: Uint8Array): bigint {
  if (block[509] !== 0x6e || block[510] !== 0x73) return 0n;
  const digits = latin1(block.subarray(500, 509));
  return /^[0-9]{9}$/.test(digits) ? BigInt(digits) : 0n;
}

/** The sum of all bytes, those of the sum itself taken as spaces. */
function checksumHolds(block: Uint8Array): boolean {
  let sum = 0;
  for (let at = 0; at < BLOCK; at++) sum += at >= 148 && at < 156 ? 0x20 : block[at] ?? 0;
  return octal(block, 148, 156) === sum;
}

function text(block: Uint8Array, at: number, length: number): string {
  return utf8(untilZero(block.subarray(at, at + length)));
}

function utf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new TarProblem(`the name "${new TextDecoder().decode(bytes).slice(0, 200)}" is not UTF-8`);
  }
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 4096));
}

function untilZero(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
