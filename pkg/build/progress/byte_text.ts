type Encoding = "utf-8" | "utf-16le" | "utf-16be";

/** Bytes at the beginning of a line that tell its encoding. */
const SAMPLE = 8;
/** Units of a sample in which the half of a Latin letter that is NUL must be. */
const NUL_UNITS_MIN = 3;
const NEWLINE = 0x0a;
const NOTHING = new Uint8Array(0);
const BYTE_ORDER_MARK = "\ufeff";

/**
 * Decodes the output of programs: UTF-8, and UTF-16 of either byte order as .NET and PowerShell write it. Programs of one
 * instruction share a stream, so the encoding is decided line by line. Up to eight bytes wait for those behind them.
 */
export class ByteText {
  readonly #decoders: Readonly<Record<Encoding, TextDecoder>> = {
    "utf-8": new TextDecoder("utf-8"),
    "utf-16le": new TextDecoder("utf-16le"),
    "utf-16be": new TextDecoder("utf-16be"),
  };
  #encoding: Encoding = "utf-8";
  #waiting = NOTHING;
  /** The next byte begins a line. */
  #fresh = true;

  push(bytes: Uint8Array): string {
    return this.#decode(bytes, false);
  }

  /** The end of the stream. */
  end(): string {
    const rest = this.#decode(NOTHING, true);
    const text = rest + this.#decoders[this.#encoding].decode();
    this.#encoding = "utf-8";
    this.#fresh = true;
    return text;
  }

  #decode(chunk: Uint8Array, last: boolean): string {
    const bytes = joined(this.#waiting, chunk);
    this.#waiting = NOTHING;
    const plain = this.#encoding === "utf-8" && !bytes.includes(0) && !bytes.includes(0xff) &&
      !bytes.includes(0xfe);
    const text = plain ? this.#plain(bytes, last) : this.#lines(bytes, last);
    return text.includes(BYTE_ORDER_MARK) ? text.replaceAll(BYTE_ORDER_MARK, "") : text;
  }

  /** UTF-8 without a doubt; one byte alone on its line is no proof. */
  #plain(bytes: Uint8Array, last: boolean): string {
    const size = bytes.length;
    const fresh = size === 1 ? this.#fresh : bytes[size - 2] === NEWLINE;
    const doubt = !last && size > 0 && fresh && bytes[size - 1] !== NEWLINE ? 1 : 0;
    if (doubt > 0) this.#waiting = bytes.slice(size - 1);
    const sure = bytes.subarray(0, size - doubt);
    if (sure.length > 0) this.#fresh = sure[sure.length - 1] === NEWLINE;
    return this.#decoders["utf-8"].decode(sure, { stream: true });
  }

  #lines(bytes: Uint8Array, last: boolean): string {
    let text = "";
    let from = 0;
    let at = 0;
    while (at < bytes.length) {
      if (this.#fresh) {
        const encoding = encodingOf(bytes.subarray(at, at + SAMPLE), this.#encoding, last);
        if (encoding === undefined) break;
        if (encoding !== this.#encoding) {
          text += this.#decoders[this.#encoding].decode(bytes.subarray(from, at));
          from = at;
          this.#encoding = encoding;
        }
      }
      const width = this.#encoding === "utf-8" ? 1 : 2;
      const end = lineEnd(bytes, at, this.#encoding);
      this.#fresh = end !== undefined;
      const stop = end ?? bytes.length - (last ? 0 : (bytes.length - at) % width);
      if (stop === at) break;
      at = stop;
    }
    text += this.#decoders[this.#encoding].decode(bytes.subarray(from, at), { stream: true });
    this.#waiting = bytes.slice(at);
    return text;
  }
}

/** The encoding of a line that begins with `sample`; `undefined`: more bytes are needed. */
function encodingOf(sample: Uint8Array, before: Encoding, last: boolean): Encoding | undefined {
  const [first = 0, second] = sample;
  if (second === undefined) return last ? before : undefined;
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  if (before === "utf-8" && (first === 0) === (second === 0)) return "utf-8";
  if (sample.length < SAMPLE && !last) return undefined;
  const units = Math.floor(sample.length / 2);
  const needed = Math.min(units, NUL_UNITS_MIN);
  const [high, low] = [nuls(sample, 0), nuls(sample, 1)];
  if (low >= needed && high === 0) return "utf-16le";
  if (high >= needed && low === 0) return "utf-16be";
  return before === "utf-8" || isUtf8(sample) ? "utf-8" : before;
}

function nuls(sample: Uint8Array, parity: number): number {
  let count = 0;
  for (let at = parity; at < sample.length; at += 2) if (sample[at] === 0) count++;
  return count;
}

const PROBE = new TextDecoder("utf-8");

/** True for UTF-8 that a person could read; the last character may be cut. */
function isUtf8(sample: Uint8Array): boolean {
  const text = PROBE.decode(sample, { stream: true });
  PROBE.decode();
  // deno-lint-ignore no-control-regex
  return !/[\0-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\ufffd]/.test(text);
}

/** Behind the line end at or after `from`. */
function lineEnd(bytes: Uint8Array, from: number, encoding: Encoding): number | undefined {
  for (let at = bytes.indexOf(NEWLINE, from); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) {
    if (encoding === "utf-8") return at + 1;
    const unit = at - (at - from) % 2;
    const [first, second] = encoding === "utf-16le" ? [NEWLINE, 0] : [0, NEWLINE];
    if (bytes[unit] === first && bytes[unit + 1] === second) return unit + 2;
  }
  return undefined;
}

function joined(before: Uint8Array<ArrayBuffer>, chunk: Uint8Array): Uint8Array {
  if (before.length === 0) return chunk;
  const bytes = new Uint8Array(before.length + chunk.length);
  bytes.set(before);
  bytes.set(chunk, before.length);
  return bytes;
}
