/** Certificates and keys as texts: what is in them, and their names at the authority. */
import { Buffer } from "node:buffer";
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { Secret } from "../secret/mod.ts";
import { Fault } from "../fault/mod.ts";

/** The contents of a leaf certificate. */
export interface LeafCertificate {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** The leaf was made for this key. */
  fitsKey(privateKeyPem: string): boolean;
  /** The leaf is valid for this name; `*.name` stands for itself. */
  covers(hostname: string): boolean;
  /** The name of the certificate for renewal information; `undefined` when it names no issuer's key. */
  readonly renewalId: string | undefined;
}

const CHAIN_MAX = 10;
const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** A new ECDSA P-256 key, in PEM. */
export function newPrivateKey(): Secret {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return new Secret(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
}

/** Reads the leaf of a chain in PEM. @throws `internal` when the text is not a chain */
export function readChain(pem: string): LeafCertificate {
  const [first, ...others] = pem.match(PEM) ?? [];
  if (first === undefined || others.length >= CHAIN_MAX) {
    throw new Fault("internal", "the authority's answer is not a certificate chain");
  }
  const leaf = readLeaf(first);
  return {
    notBeforeMs: Date.parse(leaf.validFrom),
    notAfterMs: Date.parse(leaf.validTo),
    fitsKey: (key) => leaf.checkPrivateKey(createPrivateKey(key)),
    covers: (hostname) =>
      (leaf.subjectAltName ?? "").split(", ").some((name) => name.toLowerCase() === `dns:${hostname}`),
    renewalId: renewalId(leaf.raw),
  };
}

function readLeaf(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new Fault("internal", "the authority's certificate cannot be read", { cause });
  }
}

const AUTHORITY_KEY_ID = [0x06, 0x03, 0x55, 0x1d, 0x23];
const [SEQUENCE, INTEGER, OCTETS, VERSION, KEY_ID] = [0x30, 0x02, 0x04, 0xa0, 0x80];

/** The name of a certificate for renewal information: its issuer's key and its serial number (RFC 9773, section 4.1). */
export function renewalId(der: Uint8Array): string | undefined {
  const body = inside(inside(der, SEQUENCE), SEQUENCE);
  const fields = body?.[0] === VERSION ? after(body) : body;
  const serial = inside(fields, INTEGER);
  const at = der.findIndex((_, start) =>
    AUTHORITY_KEY_ID.every((byte, index) => der[start + index] === byte)
  );
  if (serial === undefined || at < 0) return undefined;
  const keyId = inside(inside(inside(der.subarray(at + AUTHORITY_KEY_ID.length), OCTETS), SEQUENCE), KEY_ID);
  return keyId && `${base64Url(keyId)}.${base64Url(serial)}`;
}

function base64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

/** Where the value at the beginning of `der` starts and ends. */
function boundsOf(der: Uint8Array): readonly [number, number] {
  const short = der[1] ?? 0;
  if (short < 0x80) return [2, 2 + short];
  const size = short & 0x7f;
  const length = der.subarray(2, 2 + size).reduce((sum, byte) => sum * 256 + byte, 0);
  return [2 + size, 2 + size + length];
}

/** The value at the beginning of `der`, if it has this tag. */
function inside(der: Uint8Array | undefined, tag: number): Uint8Array | undefined {
  return der?.[0] === tag ? der.subarray(...boundsOf(der)) : undefined;
}

/** The rest behind the value at the beginning of `der`. */
function after(der: Uint8Array): Uint8Array {
  return der.subarray(boundsOf(der)[1]);
}
