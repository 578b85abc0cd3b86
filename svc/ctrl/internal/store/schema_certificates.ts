/** The tables of certificates and their orders, as TypeScript sees them. */

export type ChallengeKind = "http-01" | "dns-01";

/** A certificate that edges use; one per host name. */
export interface CertificatesTable {
  id: string;
  workspace_id: string;
  /** Lower case; may be `*.name`. */
  hostname: string;
  /** PEM, the leaf first. */
  chain: string;
  /** Sealed by the vault. */
  encrypted_private_key: string;
  not_before: number;
  not_after: number;
  renew_at: number;
  /** When the authority is asked again when to renew. */
  advice_at: number;
  /** Its name in questions about its renewal; empty when it has none. */
  renewal_id: string;
  /** The authority that issued it. */
  directory_url: string;
  created_at: number;
  updated_at: number;
}

/**
 * The wish for a certificate, with the progress of the order for it.
 *
 * There is no status of failure: an order is waiting for its next attempt, or under way, until it is issued or cancelled.
 */
export interface CertificateOrdersTable {
  hostname: string;
  workspace_id: string;
  challenge_type: ChallengeKind;
  /** The name that limits of authorities are about, e.g. `example.co.uk`. */
  registered_domain: string;
  status: "waiting" | "ordering" | "issued" | "cancelled";
  /** The number of the attempt that runs, or ran last. */
  attempt: number;
  /** In a row. */
  failures: number;
  next_attempt_at: number;
  /** No attempt comes before it, also when a user asks for one; 0: no limit was met. */
  limited_until: number;
  /** By then it is needed: the end of the former certificate, or the time of the first wish. */
  deadline_at: number;
  directory_url: string | null;
  order_url: string | null;
  /** The key of the certificate to come, sealed by the vault. */
  encrypted_key: string | null;
  /** Why the last attempt did not succeed; public. */
  problem: string | null;
  created_at: number;
  updated_at: number;
}

/** An account at an authority; one per workspace and authority. */
export interface AcmeAccountsTable {
  workspace_id: string;
  directory_url: string;
  /** Sealed by the vault. */
  encrypted_key: string;
  /** `null` until it is registered. */
  account_url: string | null;
  created_at: number;
}

/** A proof that an authority may ask for at any moment. */
export interface AcmeChallengesTable {
  hostname: string;
  token: string;
  challenge_type: ChallengeKind;
  key_authorization: string;
  /** The text of its TXT record. */
  record_value: string;
  created_at: number;
}

/** A row for each authority, which serializes the spending of its limits. */
export interface AcmeDirectoriesTable {
  directory_url: string;
  created_at: number;
}

/** Orders of the last days, which count against the limits of their authority. */
export interface AcmeOrdersTable {
  hostname: string;
  attempt: number;
  directory_url: string;
  workspace_id: string;
  registered_domain: string;
  outcome: "open" | "issued" | "failed";
  /** 0: a renewal that the authority expects, which no limit counts. */
  counted: 0 | 1;
  created_at: number;
}
