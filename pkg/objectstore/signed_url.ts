import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Secret } from "../secret/mod.ts";
import { isObjectKey } from "./key.ts";

/** Below this path the file store answers. */
export const OBJECTS_PATH = "/objects/";

/** The request that a signed URL allows. `GET` also allows `HEAD`. */
export interface Grant {
  readonly method: "PUT" | "GET";
  readonly key: string;
  /** Milliseconds since the epoch; the URL stops working at this instant. */
  readonly expiresAtMs: number;
  readonly sizeBytes: number | undefined;
  /** Base64. */
  readonly checksumSha256: string | undefined;
}

/** Why a URL allows nothing. */
export type Refusal = "bad_key" | "bad_signature" | "expired";

/** The URL that carries `grant` and proves that it was given by a holder of `signingKey`. */
export function signUrl(baseUrl: string, grant: Grant, signingKey: Secret): string {
  const url = new URL(`${baseUrl.replace(/(?<!\/)\/+$/, "")}${OBJECTS_PATH}${grant.key}`);
  url.searchParams.set("expires", String(grant.expiresAtMs));
  if (grant.sizeBytes !== undefined) url.searchParams.set("size", String(grant.sizeBytes));
  if (grant.checksumSha256 !== undefined) url.searchParams.set("sha256", grant.checksumSha256);
  url.searchParams.set("signature", signature(grant, signingKey).toString("base64url"));
  return url.href;
}

/**
 * Reads what `url` allows for `method`.
 *
 * The signature is checked before anything else is believed, and in constant time. The host is not part of it: the same
 * object may be reached by an internal and an external name.
 */
export function readGrant(
  url: URL,
  method: Grant["method"],
  signingKey: Secret,
  nowMs: number,
): Grant | Refusal {
  const key = url.pathname.slice(OBJECTS_PATH.length);
  if (!url.pathname.startsWith(OBJECTS_PATH) || !isObjectKey(key)) return "bad_key";
  const grant: Grant = {
    method,
    key,
    expiresAtMs: Number(url.searchParams.get("expires") ?? NaN),
    sizeBytes: numberOf(url.searchParams.get("size")),
    checksumSha256: url.searchParams.get("sha256") ?? undefined,
  };
  const given = Buffer.from(url.searchParams.get("signature") ?? "", "base64url");
  const wanted = signature(grant, signingKey);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return "bad_signature";
  return nowMs < grant.expiresAtMs ? grant : "expired";
}

/** JSON keeps the fields apart, whatever they contain. */
function signature(grant: Grant, signingKey: Secret): Buffer {
  const text = JSON.stringify([
    "unkey objects v1",
    grant.method,
    grant.key,
    grant.expiresAtMs,
    grant.sizeBytes ?? null,
    grant.checksumSha256 ?? null,
  ]);
  return createHmac("sha256", signingKey.reveal()).update(text).digest();
}

function numberOf(text: string | null): number | undefined {
  return text === null ? undefined : Number(text);
}
