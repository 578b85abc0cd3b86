import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { Buffer } from "node:buffer";
import { readFile } from "node:fs/promises";
import { type Fault, publicFault } from "../fault/mod.ts";

/** A file that a setting names. */
export interface NamedFile {
  readonly path: string;
  /** E.g. `--tls-cert-file (UNKEY_TLS_CERT_FILE)`. */
  readonly setting: string;
}

/** A certificate with its chain, and its key, in PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

const BYTES_MAX = 1024 * 1024;
const [BEGIN, END] = ["-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"];

/** @throws `failed_precondition` when it cannot be read */
export async function readPem({ path, setting }: NamedFile): Promise<string> {
  try {
    const bytes = await readFile(path);
    if (bytes.length <= BYTES_MAX) return bytes.toString("utf8");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw unusable(
      `"${path}" of ${setting} cannot be read: ${why}.`,
      "Give the path of a file in PEM.",
      cause,
    );
  }
  throw unusable(`"${path}" of ${setting} is larger than 1 MiB.`, "Give the path of a file in PEM.");
}

/**
 * Checks a certificate and its key.
 *
 * @throws `failed_precondition` when they do not belong together, or the certificate is not valid now
 */
export function checkKeyPair(
  pair: KeyPair,
  { files: [file, keyFile], nowMs }: {
    readonly files: readonly [NamedFile, NamedFile];
    readonly nowMs: number;
  },
): KeyPair {
  const [leaf] = certificatesIn(pair.certificate, file);
  const own = `The certificate "${file.path}" of ${file.setting}`;
  if (leaf === undefined) throw unusable(`${own} is empty.`, "Give a certificate in PEM.");
  const [fromMs, toMs] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)];
  if (nowMs > toMs) {
    throw unusable(`${own} expired at ${timeOf(toMs)}.`, "Renew it, or correct the clock of this machine.");
  }
  if (nowMs < fromMs) {
    throw unusable(
      `${own} is valid from ${timeOf(fromMs)} on.`,
      "Wait, or correct the clock of this machine.",
    );
  }
  if (!isSameKey(leaf.publicKey, publicOf(pair.key, keyFile))) {
    throw unusable(
      `The key "${keyFile.path}" of ${keyFile.setting} is not that of the certificate "${file.path}".`,
      "Give the key that the certificate was made for.",
    );
  }
  return pair;
}

/**
 * Checks certificates of authorities.
 *
 * @throws `failed_precondition` when there is none
 */
export function checkAuthorities(pem: string, file: NamedFile): string {
  certificatesIn(pem, file);
  return pem;
}

/**
 * Reads certificates of authorities.
 *
 * @throws `failed_precondition` when the file cannot be read, or has none
 */
export async function readAuthorities(file: NamedFile): Promise<string> {
  return checkAuthorities(await readPem(file), file);
}

function certificatesIn(pem: string, { path, setting }: NamedFile): readonly X509Certificate[] {
  try {
    const found = pem.split(BEGIN).slice(1).map((each) => `${BEGIN}${each.split(END)[0]}${END}`);
    if (found.length > 0) return found.map((each) => new X509Certificate(each));
  } catch (cause) {
    throw unusable(
      `"${path}" of ${setting} has a certificate that cannot be read.`,
      "Give a certificate in PEM.",
      cause,
    );
  }
  throw unusable(`"${path}" of ${setting} has no certificate in PEM.`, 'Look for "BEGIN CERTIFICATE" in it.');
}

function publicOf(key: string, { path, setting }: NamedFile): KeyObject {
  try {
    return createPublicKey(createPrivateKey(key));
  } catch (cause) {
    throw unusable(
      `"${path}" of ${setting} has no private key that can be read.`,
      "Give a private key in PEM, without a passphrase.",
      cause,
    );
  }
}

function isSameKey(one: KeyObject, other: KeyObject): boolean {
  const [a, b] = [one, other].map((each) => Buffer.from(each.export({ type: "spki", format: "der" })));
  return a !== undefined && b !== undefined && a.equals(b);
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

function unusable(what: string, advice: string, cause?: unknown): Fault {
  return publicFault("failed_precondition", `${what} ${advice}`, cause);
}
