const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * Reads `name=value,name=value` with percent-encoded values, as OpenTelemetry's variables have headers and attributes;
 * `undefined` for any other text.
 */
export function parsePairs(text: string): Readonly<Record<string, string>> | undefined {
  const pairs: Record<string, string> = {};
  for (const part of text.split(",").map((each) => each.trim()).filter((each) => each !== "")) {
    const at = part.indexOf("=");
    const name = part.slice(0, Math.max(at, 0)).trim();
    const value = decoded(part.slice(at + 1).trim());
    // Line ends would begin another header.
    if (!TOKEN.test(name) || value === undefined || /[\0\r\n]/.test(value)) return undefined;
    pairs[name] = value;
  }
  return pairs;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
