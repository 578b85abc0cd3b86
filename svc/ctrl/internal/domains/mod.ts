/**
 * Host names that users bring: which ones are possible, which records they need, and what the DNS says about them.
 *
 * ```ts
 * const seen = await lookAtDomain({ dns, platform }, { hostname, target }, signal);
 * const { proof, reaches, issues } = judge({ hostname, target, proofText, isApex, contested, authorities }, seen);
 * ```
 *
 * @module
 */
export { DOMAIN_FIELDS, type DomainConfig, isDomain, openDomains } from "./config.ts";
export { customHostname, isWithin } from "./hostname.ts";
export {
  type Findings,
  type Issue,
  type IssueCode,
  judge,
  type JudgedDomain,
  type Proof,
  unanswered,
} from "./judge.ts";
export {
  type DomainDns,
  type DomainPlatform,
  lookAtDomain,
  type Observation,
  platformAddresses,
  proofName,
} from "./look.ts";
export { newCustomDomain } from "./new_domain.ts";
export { decodeIssues, encodeIssues } from "./findings_json.ts";
export { judgedDomain } from "./judged.ts";
export { type RecordOwner, recordsText, type WantedRecord, wantedRecords } from "./records.ts";
export { addDomainWithin, domainMissing, redirectWithin, refuseElsewhere, requireDomains } from "./within.ts";
