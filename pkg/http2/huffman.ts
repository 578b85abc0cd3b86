import { CODE_LENGTHS } from "./huffman_lengths.ts";

const ROOT = 0;
const NODE_SIZE = 256;
/**
 * A decoder's state is an index into this table: eight bits lead to the next state (≥ 0), or to a symbol. A symbol is
 * kept as -(symbol * 16 + bits) - 1, where `bits` is how many of the eight belong to it. 0 stands for no code.
 */
const NODES = buildNodes();

function buildNodes(): Int32Array {
  const order = [...CODE_LENGTHS.keys()].toSorted((a, b) => lengthOf(a) - lengthOf(b) || a - b);
  const nodes: Int32Array[] = [new Int32Array(NODE_SIZE)];
  let code = 0;
  let length = 0;
  for (const symbol of order) {
    code *= 2 ** (lengthOf(symbol) - length);
    length = lengthOf(symbol);
    place(nodes, symbol, code, length);
    code++;
  }
  const table = new Int32Array(nodes.length * NODE_SIZE);
  for (const [index, node] of nodes.entries()) table.set(node, index * NODE_SIZE);
  return table;
}

function lengthOf(symbol: number): number {
  return CODE_LENGTHS[symbol] ?? 0;
}

function place(nodes: Int32Array[], symbol: number, code: number, length: number): void {
  let node = nodes[ROOT] ?? new Int32Array();
  let left = length;
  for (; left > 8; left -= 8) {
    const byte = (code >>> (left - 8)) & 255;
    const known = node[byte] ?? 0;
    const next = known > 0 ? known : nodes.length;
    if (known === 0) nodes.push(new Int32Array(NODE_SIZE));
    node[byte] = next;
    node = nodes[next] ?? node;
  }
  const first = (code << (8 - left)) & 255;
  node.fill(-(symbol * 16 + left) - 1, first, first + 2 ** (8 - left));
}

/** Text of one byte per character, or `undefined` when the bytes are no Huffman code. */
export function decodeHuffman(bytes: Uint8Array, from: number, to: number): string | undefined {
  let text = "";
  let node = ROOT;
  let window = 0;
  let bits = 0;
  /** Bits since the last symbol. */
  let pending = 0;
  for (let at = from; at < to; at++) {
    window = ((window << 8) | (bytes[at] ?? 0)) & 0xffffff;
    bits += 8;
    pending += 8;
    while (bits >= 8) {
      const entry = NODES[node * NODE_SIZE + ((window >>> (bits - 8)) & 255)] ?? 0;
      if (entry === 0) return undefined;
      if (entry > 0) {
        node = entry;
        bits -= 8;
        continue;
      }
      const symbol = -entry - 1;
      text += String.fromCharCode(symbol >>> 4);
      bits -= symbol & 15;
      node = ROOT;
      pending = bits;
    }
  }
  while (bits > 0) {
    const entry = NODES[node * NODE_SIZE + ((window << (8 - bits)) & 255)] ?? 0;
    if (entry >= 0) break;
    const symbol = -entry - 1;
    if ((symbol & 15) > bits) break;
    text += String.fromCharCode(symbol >>> 4);
    bits -= symbol & 15;
    node = ROOT;
    pending = bits;
  }
  // What is left may only be the first bits of the end-of-string code, which are ones, and less than a byte of them.
  const padding = 2 ** bits - 1;
  return pending < 8 && (window & padding) === padding ? text : undefined;
}
