/**
 * A certificate authority of one machine, for names below `localhost` alone: browsers that trust it trust no other name by it.
 *
 * ```ts
 * const authority = await makeAuthority({ nowMs: clock.now() });
 * const { certificateChainPem, privateKeyPem } = await issueCertificate(authority, { hostname, nowMs: clock.now() });
 * ```
 *
 * @module
 */
import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3_650;
/** Browsers refuse certificates that are valid for more than 398 days. */
const CERTIFICATE_DAYS = 90;
/** Clocks differ. */
const BEFORE_MS = DAY_MS;
const NAME_CONSTRAINTS = "2.5.29.30";
/**
 * NameConstraints (RFC 5280, section 4.2.1.10): permitted is the DNS name `localhost` with all names below it; excluded are
 * all IPv4 and IPv6 addresses, which a constraint of DNS names leaves open.
 */
const LOCALHOST_ONLY = der(
  0x30,
  der(0xa0, der(0x30, der(0x82, new TextEncoder().encode("localhost")))),
  der(0xa1, der(0x30, der(0x87, new Uint8Array(8))), der(0x30, der(0x87, new Uint8Array(32)))),
);

/** An authority with its key, in PEM. */
export interface LocalAuthority {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** A certificate with its key, in PEM. */
export interface LocalCertificate {
  readonly certificateChainPem: string;
  readonly privateKeyPem: string;
  readonly notAfterMs: number;
}

/** Makes an authority, with a key of its own. */
export async function makeAuthority({ nowMs }: { readonly nowMs: number }): Promise<LocalAuthority> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=unkey on this machine (names below localhost only)",
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(nowMs - BEFORE_MS),
    notAfter: new Date(nowMs + AUTHORITY_DAYS * DAY_MS),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      new Extension(NAME_CONSTRAINTS, true, LOCALHOST_ONLY),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificatePem: certificate.toString("pem"), privateKeyPem: await pemOf(keys.privateKey) };
}

/** Issues a certificate for one host name. */
export async function issueCertificate(
  authority: LocalAuthority,
  { hostname, nowMs }: { readonly hostname: string; readonly nowMs: number },
): Promise<LocalCertificate> {
  const issuer = new X509Certificate(authority.certificatePem);
  const [der] = PemConverter.decode(authority.privateKeyPem);
  const signingKey = await crypto.subtle.importKey("pkcs8", der ?? new ArrayBuffer(), ALGORITHM, false, [
    "sign",
  ]);
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const notAfterMs = nowMs + CERTIFICATE_DAYS * DAY_MS;
  const certificate = await X509CertificateGenerator.create({
    subject: "CN=unkey",
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(nowMs - BEFORE_MS),
    notAfter: new Date(notAfterMs),
    extensions: [
      new SubjectAlternativeNameExtension([{ type: "dns", value: hostname }]),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return {
    certificateChainPem: `${certificate.toString("pem")}\n${authority.certificatePem}\n`,
    privateKeyPem: await pemOf(keys.privateKey),
    notAfterMs,
  };
}

async function pemOf(key: CryptoKey): Promise<string> {
  return PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

/** A value of less than 128 bytes with its tag and length (DER). */
function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const content = parts.flatMap((part) => [...part]);
  return new Uint8Array([tag, content.length, ...content]);
}
