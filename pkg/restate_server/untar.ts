import { Fault } from "../fault/mod.ts";

const BLOCK = 512;

/**
 * The content of the file `name` in a tar archive, as it streams by; nothing when the archive has no such file.
 *
 * Reads what npm writes: plain headers, sizes in octal. Everything else in the archive is skipped without being kept.
 * The archive is read no further than the file's end.
 */
export async function* untarFile(
  archive: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<Uint8Array, void, void> {
  let header = new Uint8Array(0);
  /** Bytes of the current entry still to come, and of the padding behind it. */
  let content = 0;
  let padding = 0;
  let wanted = false;
  for await (let chunk of archive) {
    while (chunk.length > 0) {
      if (content > 0) {
        const part = chunk.subarray(0, content);
        content -= part.length;
        chunk = chunk.subarray(part.length);
        if (wanted) yield part;
        if (wanted && content === 0) return;
      } else if (padding > 0) {
        const skipped = Math.min(padding, chunk.length);
        padding -= skipped;
        chunk = chunk.subarray(skipped);
      } else {
        const missing = BLOCK - header.length;
        header = concat(header, chunk.subarray(0, missing));
        chunk = chunk.subarray(missing);
        if (header.length < BLOCK) continue;
        content = octal(header.subarray(124, 136));
        padding = (BLOCK - content % BLOCK) % BLOCK;
        wanted = text(header.subarray(0, 100)) === name;
        header = new Uint8Array(0);
      }
    }
  }
  if (wanted && content > 0) throw new Fault("failed_precondition", `The archive breaks off inside ${name}`);
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

function text(field: Uint8Array): string {
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

function octal(field: Uint8Array): number {
  const digits = text(field).trim();
  if (digits === "") return 0; // the two empty blocks at the end
  if (!/^[0-7]+$/.test(digits)) {
    throw new Fault("failed_precondition", "The archive has a header of another kind");
  }
  return parseInt(digits, 8);
}
