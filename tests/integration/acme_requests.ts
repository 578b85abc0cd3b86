/** Signed requests and documents of ACME, as a server in a test reads them. */

/** The parts of a signed request that the limits are about. */
export interface Signed {
  /** Its URL, or its key while it has none. */
  readonly account: string;
  readonly hostname: string | undefined;
  readonly replaces: boolean;
}

/** Reads a request of ACME; empty for another one. */
export function signedOf(body: string): Signed {
  const outer = parsed(body);
  const decode = (field: string): unknown => {
    const text = textOf(outer, field);
    return text === ""
      ? undefined
      : parsed(new TextDecoder().decode(Uint8Array.fromBase64(text, { alphabet: "base64url" })));
  };
  const payload = decode("payload");
  const [identifier] = entriesOf(payload, "identifiers");
  const hostname = identifier === undefined ? undefined : textOf(identifier, "value");
  const head = decode("protected");
  const account = textOf(head, "kid") || JSON.stringify(fieldOf(head, "jwk") ?? "");
  return { account, hostname, replaces: textOf(payload, "replaces") !== "" };
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fieldOf(value: unknown, field: string): unknown {
  return typeof value === "object" && value !== null
    ? new Map<string, unknown>(Object.entries(value)).get(field)
    : undefined;
}

export function textOf(value: unknown, field: string): string {
  const found = fieldOf(value, field);
  return typeof found === "string" ? found : "";
}

function entriesOf(value: unknown, field: string): readonly unknown[] {
  const found = fieldOf(value, field);
  return Array.isArray(found) ? found : [];
}

export function listOf(value: unknown, field: string): readonly string[] {
  return entriesOf(value, field).filter((each) => typeof each === "string");
}
