/**
 * The words of many lines as a Bloom filter: it holds every word, and about one in two hundred that is not there. The bytes
 * are stored, so that neither the hash nor the probes can change without new rows.
 */

/** A bit that each filter with the word has: of the byte at the position, modulo the filter's length. */
export interface Probe {
  readonly position: number;
  readonly mask: number;
}

const BITS_PER_WORD = 12;
const PROBES = 6;
const BYTES_MIN = 8;
/** Text of a whole block in words of two letters would have three times as many; then more words seem to be there. */
const BYTES_MAX = 32_768;
const WORD = /[\p{L}\p{N}]+/gu;

/** The words of a text in lower case: runs of letters and digits. */
export function wordsOf(lowerCase: string): readonly string[] {
  return lowerCase.match(WORD) ?? [];
}

/** The filter of all words of these texts. */
export function wordFilterOf(texts: Iterable<string>): Uint8Array {
  const words = new Set<string>();
  for (const text of texts) for (const word of wordsOf(text.toLowerCase())) words.add(word);
  const size = Math.min(BYTES_MAX, Math.max(BYTES_MIN, Math.ceil(words.size * BITS_PER_WORD / 8)));
  const filter = new Uint8Array(size);
  for (const word of words) {
    for (const { position, mask } of probesOf(word)) {
      filter[position % size] = (filter[position % size] ?? 0) | mask;
    }
  }
  return filter;
}

/**
 * FNV-1a of 32 bits (draft-eastlake-fnv) over the UTF-16 code units, mixed by the end of MurmurHash3, gives the first
 * position and the distance to the next ones; three bits of each name the bit.
 */
export function probesOf(word: string): readonly Probe[] {
  let hash = 0x811c9dc5;
  for (let at = 0; at < word.length; at++) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193);
  const first = mixed(hash);
  const step = mixed(first ^ 0x9e3779b9) | 1;
  return Array.from({ length: PROBES }, (_, n) => {
    const value = first + Math.imul(n, step) >>> 0;
    return { position: value >>> 3, mask: 1 << (value & 7) };
  });
}

function mixed(value: number): number {
  const half = Math.imul(value ^ value >>> 16, 0x85ebca6b);
  const whole = Math.imul(half ^ half >>> 13, 0xc2b2ae35);
  return whole ^ whole >>> 16;
}
