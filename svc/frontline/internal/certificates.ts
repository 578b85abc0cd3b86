import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import { describeError } from "../../../pkg/fault/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";

/** A certificate as the feed gives it. */
export interface EdgeCertificate {
  readonly certificateId: string;
  /** Lower case; `*.name` covers one label before the name. */
  readonly hostname: string;
  readonly certificateChainPem: string;
  readonly privateKeyPem: string;
  readonly notAfterMs: bigint;
}

/** Contexts that are kept ready; one takes about 8 KiB and 1 ms to make. */
const CONTEXTS_MAX = 2_000;
const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * Certificates by host name. A new one is used by the handshakes that begin after it came; connections that are open go
 * on. A certificate that cannot be used is not taken, and the former one of its id stays.
 */
export class Certificates {
  readonly #log: Logger;
  readonly #onArrival: () => void;
  readonly #byId = new Map<string, EdgeCertificate>();
  readonly #idsByHost = new Map<string, Set<string>>();
  /** Used last comes last. */
  readonly #contexts = new Map<string, SecureContext>();

  /** `onArrival` is called after each certificate that was taken. */
  constructor(log: Logger, onArrival: () => void = () => undefined) {
    this.#log = log;
    this.#onArrival = onArrival;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** The end of the certificate that ends first; `undefined` without any. */
  firstEndAtMs(): number | undefined {
    let first: number | undefined;
    for (const { notAfterMs } of this.#byId.values()) {
      if (first === undefined || notAfterMs < first) first = Number(notAfterMs);
    }
    return first;
  }

  apply(certificate: EdgeCertificate): void {
    const { certificateId, hostname } = certificate;
    const problem = problemOf(certificate);
    if (problem !== undefined) {
      const text = "a certificate cannot be used, the former one stays";
      return this.#log.error(text, { certificate_id: certificateId, hostname, problem });
    }
    this.delete(certificateId);
    const host = hostname.toLowerCase();
    this.#byId.set(certificateId, { ...certificate, hostname: host });
    const ids = this.#idsByHost.get(host) ?? new Set();
    this.#idsByHost.set(host, ids.add(certificateId));
    this.#onArrival();
  }

  delete(certificateId: string): void {
    const former = this.#byId.get(certificateId);
    if (former === undefined) return;
    this.#byId.delete(certificateId);
    this.#contexts.delete(certificateId);
    const ids = this.#idsByHost.get(former.hostname);
    ids?.delete(certificateId);
    if (ids?.size === 0) this.#idsByHost.delete(former.hostname);
  }

  /** Drops every certificate that is not in `kept`, after a complete snapshot. */
  keepOnly(kept: ReadonlySet<string>): void {
    for (const id of [...this.#byId.keys()]) if (!kept.has(`certificate/${id}`)) this.delete(id);
  }

  /** True if there is a certificate for a host name in lower case. */
  covers(host: string): boolean {
    return this.#find(host) !== undefined;
  }

  /** The certificate of a host name in lower case: its own, else that of the wildcard one level above. */
  contextOf(host: string): SecureContext | undefined {
    const found = this.#find(host);
    if (found === undefined) return undefined;
    const { certificateId: id } = found;
    const context = this.#contexts.get(id) ??
      createSecureContext({
        cert: found.certificateChainPem,
        key: found.privateKeyPem,
        minVersion: "TLSv1.2",
      });
    this.#contexts.delete(id);
    this.#contexts.set(id, context);
    const [oldest] = this.#contexts.keys();
    if (this.#contexts.size > CONTEXTS_MAX && oldest !== undefined) this.#contexts.delete(oldest);
    return context;
  }

  #find(host: string): EdgeCertificate | undefined {
    const dot = host.indexOf(".");
    return this.#latest(host) ?? (dot > 0 ? this.#latest(`*${host.slice(dot)}`) : undefined);
  }

  /** Of several certificates for a name, the one that is valid longest. */
  #latest(host: string): EdgeCertificate | undefined {
    let latest: EdgeCertificate | undefined;
    for (const id of this.#idsByHost.get(host) ?? []) {
      const each = this.#byId.get(id);
      if (each !== undefined && (latest === undefined || each.notAfterMs > latest.notAfterMs)) latest = each;
    }
    return latest;
  }
}

/** The reason why a certificate cannot be used. The runtime would only find out in each handshake. */
function problemOf({ certificateChainPem, privateKeyPem }: EdgeCertificate): string | undefined {
  try {
    const [leaf, ...issuers] = (certificateChainPem.match(PEM_BLOCK) ?? []).map((pem) =>
      new X509Certificate(pem)
    );
    if (leaf === undefined) return "there is no certificate in the chain";
    if (issuers.length > 10) return "the chain has more than 11 certificates";
    return leaf.checkPrivateKey(createPrivateKey(privateKeyPem))
      ? undefined
      : "the private key does not belong to the certificate";
  } catch (error) {
    // The text of a parser says where it stopped, not what it read.
    return `the chain or the key cannot be read: ${describeError(error)}`;
  }
}
