import { decodeHuffman } from "./huffman.ts";
import { STATIC_TABLE } from "./static_table.ts";

/** A field of a header block; names are in lower case, values are bytes, one per character. */
export interface Field {
  readonly name: string;
  readonly lower: string;
  readonly value: string;
}

/** The fields of a block. */
export interface Block {
  readonly fields: readonly Field[];
  /** True if the fields are larger than the limit; those beyond it are left out. */
  readonly tooLarge: boolean;
}

/** The largest dynamic table that an encoder may use: the protocol's default, which is never changed here. */
const TABLE_BYTES_MAX = 4_096;
/** The protocol's way to count the cost of a field. */
const FIELD_BYTES_EXTRA = 32;
const INTEGER_MAX = 2 ** 28;
const STATIC: readonly Field[] = STATIC_TABLE.map(([name, value]) => ({ name, lower: name, value }));

/** Decodes the header blocks of one direction of a connection, in their order. */
export class HpackDecoder {
  readonly #listBytesMax: number;
  /** Newest last. */
  #table: Field[] = [];
  #tableBytes = 0;
  #tableBytesMax = TABLE_BYTES_MAX;
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;
  #broken = false;

  /** `listBytesMax` limits the fields of a block, with 32 bytes for each beside its name and value. */
  constructor(listBytesMax: number) {
    this.#listBytesMax = listBytesMax;
  }

  /** The fields of a complete block; `undefined` when it is malformed, after which nothing can be decoded any more. */
  decode(bytes: Uint8Array): Block | undefined {
    this.#bytes = bytes;
    this.#at = 0;
    const fields: Field[] = [];
    let listBytes = 0;
    let begun = false;
    while (this.#at < bytes.length) {
      const first = bytes[this.#at] ?? 0;
      if ((first & 0xe0) === 0x20) {
        // A change of the table's size is only allowed at the start.
        if (begun || !this.#resize(this.#integer(5))) return undefined;
        continue;
      }
      begun = true;
      const field = this.#field(first);
      if (field === undefined || this.#broken) return undefined;
      listBytes += field.name.length + field.value.length + FIELD_BYTES_EXTRA;
      if (listBytes <= this.#listBytesMax) fields.push(field);
    }
    return { fields, tooLarge: listBytes > this.#listBytesMax };
  }

  #field(first: number): Field | undefined {
    if ((first & 0x80) !== 0) return this.#lookup(this.#integer(7));
    const indexed = (first & 0x40) !== 0;
    const index = this.#integer(indexed ? 6 : 4);
    const name = index === 0 ? this.#text() : this.#lookup(index)?.name;
    const value = this.#text();
    if (name === undefined || value === undefined) return undefined;
    const field = { name, lower: name, value };
    if (indexed) this.#insert(field);
    return field;
  }

  #lookup(index: number): Field | undefined {
    if (index <= STATIC.length) return STATIC[index - 1];
    return this.#table[this.#table.length - (index - STATIC.length)];
  }

  #insert(field: Field): void {
    this.#table.push(field);
    this.#tableBytes += field.name.length + field.value.length + FIELD_BYTES_EXTRA;
    this.#evict();
  }

  #evict(): void {
    let count = 0;
    while (this.#tableBytes > this.#tableBytesMax && count < this.#table.length) {
      const oldest = this.#table[count++];
      if (oldest !== undefined) {
        this.#tableBytes -= oldest.name.length + oldest.value.length + FIELD_BYTES_EXTRA;
      }
    }
    if (count > 0) this.#table = this.#table.slice(count);
  }

  #resize(bytes: number): boolean {
    if (this.#broken || bytes > TABLE_BYTES_MAX) return false;
    this.#tableBytesMax = bytes;
    this.#evict();
    return true;
  }

  #text(): string | undefined {
    const huffman = ((this.#bytes[this.#at] ?? 0) & 0x80) !== 0;
    const length = this.#integer(7);
    const from = this.#at;
    const to = from + length;
    if (this.#broken || to > this.#bytes.length) return undefined;
    this.#at = to;
    if (huffman) return decodeHuffman(this.#bytes, from, to);
    let text = "";
    for (let at = from; at < to; at++) text += String.fromCharCode(this.#bytes[at] ?? 0);
    return text;
  }

  /** An integer whose first byte has `bits` bits for it. */
  #integer(bits: number): number {
    const most = 2 ** bits - 1;
    let value = this.#byte() & most;
    if (value < most) return value;
    for (let factor = 1;; factor *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * factor;
      if (value > INTEGER_MAX) this.#broken = true;
      if (byte < 128 || this.#broken) return value;
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) this.#broken = true;
    return byte ?? 0;
  }
}
