/** Base64 for URLs, without padding. */
export function encodeBase64Url(bytes: Uint8Array<ArrayBuffer>): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/**
 * Reads what `encodeBase64Url` writes; `undefined` for anything else, also for another spelling of the same bytes
 * (white space, padding, unused bits that are set), so that no change of a ciphertext goes unnoticed.
 */
export function decodeBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = decode(text, "base64url");
  return bytes !== undefined && encodeBase64Url(bytes) === text ? bytes : undefined;
}

/** Reads ordinary base64; `undefined` for anything else. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  return decode(text, "base64");
}

function decode(text: string, alphabet: "base64" | "base64url"): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.fromBase64(text, { alphabet });
  } catch {
    // The only failure is text that is not base64.
    return undefined;
  }
}
