/**
 * Proofs of the control over a name by a TXT record in the DNS (RFC 8555, section 8.4).
 *
 * ```ts
 * const records = openProofRecords({ provider: openRfc2136({ server, key }), lookup: openLookup({}) });
 * await records.publish({ name: "example.com", value }, signal);
 * while (!await records.isPublished({ name: "example.com", value }, signal)) await clock.sleep(1_000, signal);
 * await records.withdraw({ name: "example.com", value }, signal);
 * ```
 *
 * The record may live in another zone: a CNAME at `_acme-challenge.<name>` is followed. Values that others have put at the
 * same name stay.
 *
 * @module
 */
export { openCloudflare } from "./cloudflare.ts";
export { openExecHook } from "./exec.ts";
export { type Lookup, openLookup } from "./lookup.ts";
export { openProofRecords, type ProofRecords, type ProvenName } from "./records.ts";
export { type DnsProvider, type TxtRecord } from "./provider.ts";
export { openRfc2136, TSIG_ALGORITHMS, type TsigAlgorithm, type TsigKey } from "./rfc2136.ts";
export { openRoute53 } from "./route53.ts";
