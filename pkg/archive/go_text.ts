const REPLACEMENT = "\ufffd";
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Decodes UTF-8 as Go's `range` over a string does: each byte that belongs to no character is one U+FFFD, where the decoder of the
 * web makes one of the longest beginning of a character. Patterns are matched by characters, so that their number counts.
 */
export function decodeAsGo(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    let text = "";
    for (let at = 0; at < bytes.length;) {
      const length = lengthOf(bytes[at] ?? 0);
      const char = lenient.decode(bytes.subarray(at, at + length));
      const isValid = char.length > 0 && (!char.includes(REPLACEMENT) || isReplacement(bytes, at));
      text += isValid ? char : REPLACEMENT;
      at += isValid ? length : 1;
    }
    return text;
  }
}

/** Bytes of the character that begins with `lead` (RFC 3629, section 4). */
function lengthOf(lead: number): number {
  if (lead < 0xc2) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

/** True for U+FFFD itself. */
function isReplacement(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0xef && bytes[at + 1] === 0xbf && bytes[at + 2] === 0xbd;
}
