/** Base64 for URLs, without padding. */
export function encodeBase64Url(bytes: Uint8Array<ArrayBuffer>): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Reads what `encodeBase64Url` writes; `undefined` for anything else. */
export function decodeBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  return decode(text, "base64url");
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
