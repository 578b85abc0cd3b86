/** The signature that Restate puts on what it sends to workers: a JSON web token with the path and a few minutes of validity. */
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { z } from "zod";
import { fromBase58 } from "../../../../pkg/uid/mod.ts";

const PREFIX = "publickeyv1_";
const KEY_BYTES = 32;
const TOKEN_CHARACTERS_MAX = 4_096;
/** The clock of Restate is known to the second. */
const LEEWAY_S = 5;

const Header = z.object({ alg: z.literal("EdDSA"), kid: z.string() });
const Claims = z.object({ aud: z.string(), exp: z.number(), nbf: z.number() });
/** The paths that Restate signs; the address of a worker may have a path before them. */
const SIGNED = /^\/(?:discover|invoke\/[^/]+\/[^/]+)$/;

/**
 * Tells the requests that the holder of a key signed. The SDK can do that too, but only by the clock of this process: a worker
 * whose clock is minutes off would refuse everything.
 */
export class SignatureCheck {
  readonly #keys = new Map<string, KeyObject>();

  /** @throws `Error` for a key that is none */
  constructor(keys: readonly string[]) {
    for (const key of keys) this.#keys.set(key, publicKey(key));
  }

  /** `nowMs` is the time of Restate. */
  isSigned(request: Request, nowMs: number): boolean {
    if (request.headers.get("x-restate-signature-scheme") !== "v1") return false;
    const token = request.headers.get("x-restate-jwt-v1") ?? "";
    if (token.length > TOKEN_CHARACTERS_MAX) return false;
    const [head = "", body = "", signature = "", ...more] = token.split(".");
    const key = this.#keys.get(parsed(head, Header)?.kid ?? "");
    const claims = parsed(body, Claims);
    const bytes = decoded(signature);
    if (more.length > 0 || key === undefined || claims === undefined || bytes === undefined) return false;
    if (!verify(null, new TextEncoder().encode(`${head}.${body}`), key, bytes)) return false;
    const nowS = nowMs / 1_000;
    return SIGNED.test(claims.aud) && new URL(request.url).pathname.endsWith(claims.aud) &&
      claims.exp > nowS - LEEWAY_S && claims.nbf <= nowS + LEEWAY_S;
  }
}

function publicKey(text: string): KeyObject {
  const bytes = fromBase58(text.slice(PREFIX.length));
  if (!text.startsWith(PREFIX) || bytes?.length !== KEY_BYTES) {
    throw new Error(`it must be ${PREFIX} and ${KEY_BYTES} bytes in base58`);
  }
  const x = bytes.toBase64({ alphabet: "base64url", omitPadding: true });
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

function parsed<T>(part: string, schema: z.ZodType<T>): T | undefined {
  const bytes = decoded(part);
  if (bytes === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data;
  } catch {
    return undefined; // not JSON: no token of Restate
  }
}

function decoded(part: string): Uint8Array | undefined {
  try {
    return Uint8Array.fromBase64(part, { alphabet: "base64url" });
  } catch {
    return undefined; // any stranger may send anything
  }
}
