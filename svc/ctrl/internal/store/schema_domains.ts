/** The tables of custom domains, as TypeScript sees them. */

/** Only a `verified` one gets traffic and a certificate. A `failed` one waits for a retry. */
export type CustomDomainStatus = "pending" | "verifying" | "verified" | "failed";

/** The record that shows that a workspace may use a name. */
export type DomainProof = "cname" | "txt" | "address";

/** A host name that a workspace wants for an environment. Two workspaces may want the same one. */
export interface CustomDomainsTable {
  id: string;
  workspace_id: string;
  project_id: string;
  environment_id: string;
  /** Lower case, IDNs as punycode. */
  hostname: string;
  status: CustomDomainStatus;
  /** The name for its CNAME; no other domain has the same. */
  target: string;
  /** The value for its TXT record; no other domain has the same. */
  proof_text: string;
  /** Another domain of the project that requests are sent to; empty: they are served. */
  redirect_to: string;
  /** The record that was seen last; `null`: none. */
  proof: DomainProof | null;
  /** 1: the name leads to the edges. */
  reaches: 0 | 1;
  /** The findings of the last check, as JSON. */
  findings: string | null;
  /** The number of checks since verification began, or since the last success. */
  checks: number;
  checked_at: number | null;
  next_check_at: number;
  /** The time from which its records are looked for; too long without a proof is a failure. */
  verify_from: number;
  verified_at: number | null;
  /** Since then a verified domain has had no proof; `null`: it has one. */
  lost_at: number | null;
  created_at: number;
  updated_at: number;
}

/** The workspace that a name was verified for last. Another one needs a TXT record from then on. */
export interface HeldHostnamesTable {
  hostname: string;
  /** Empty: there has been none. */
  workspace_id: string;
  /** `null`: it was given up. */
  domain_id: string | null;
  updated_at: number;
}
