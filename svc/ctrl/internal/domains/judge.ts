/** The meaning of a look at the DNS for a custom domain. Pure. */
import type { Observation } from "./look.ts";
import { type RecordOwner, recordsText, type WantedRecord, wantedRecords } from "./records.ts";

export type Proof = "cname" | "txt" | "address";
export type IssueCode =
  | "dns_unavailable"
  | "not_delegated"
  | "no_record"
  | "points_elsewhere"
  | "mixed_addresses"
  | "proxied"
  | "proof_missing"
  | "caa_forbids"
  | "moved"
  | "allowance";

/** Something that is wrong, for the user. */
export interface Issue {
  readonly code: IssueCode;
  /** The trouble, and why it matters. */
  readonly message: string;
  /** The way out. */
  readonly fix: string;
}

export interface Findings {
  /** `undefined`: nothing shows that the workspace may use the name. */
  readonly proof: Proof | undefined;
  /** Requests to the name come to the edges, as far as one can see. */
  readonly reaches: boolean;
  readonly issues: readonly Issue[];
  readonly records: readonly WantedRecord[];
}

/** A domain as its judge sees it. */
export interface JudgedDomain extends RecordOwner {
  /** Another workspace has verified the name, now or before. */
  readonly contested: boolean;
  readonly authorities: readonly string[];
}

/** Decides whether a domain is proven, whether it leads here, and what is to be mended. */
export function judge(domain: JudgedDomain, seen: Observation): Findings {
  const { contested, isApex, target, proofText } = domain;
  const texts = seen.texts.includes(proofText);
  const isAlias = seen.aliases.includes(target);
  const isHere = seen.addresses.length > 0 &&
    seen.addresses.every((each) => seen.platformAddresses.includes(each));
  const proof: Proof | undefined = texts ? "txt" : contested ? undefined : isAlias
    ? "cname"
    // Other names can have a CNAME, which says whose they are; addresses are everybody's.
    : isApex && isHere
    ? "address"
    : undefined;
  const records = wantedRecords(domain, {
    addresses: seen.platformAddresses,
    needsText: !texts && (contested || seen.proxied),
  });
  const reaches = isAlias || isHere || (seen.proxied && texts);
  const facts = { domain, seen, records, proof, reaches };
  const issues = [routeIssue(facts), proofIssue(facts), caaIssue(facts)].filter((each) => each !== undefined);
  return { proof, reaches, issues, records };
}

/** The findings when no server answered. */
export function unanswered(domain: RecordOwner, addresses: readonly string[]): Findings {
  return {
    proof: undefined,
    reaches: false,
    issues: [{
      code: "dns_unavailable",
      message: `The name servers of "${domain.hostname}" do not answer, so its records are not known.`,
      fix:
        "It is asked again by itself. If it stays so, look at the name servers of the domain at your DNS provider.",
    }],
    records: wantedRecords(domain, { addresses, needsText: false }),
  };
}

interface Facts {
  readonly domain: JudgedDomain;
  readonly seen: Observation;
  readonly records: readonly WantedRecord[];
  readonly proof: Proof | undefined;
  readonly reaches: boolean;
}

function routeIssue({ domain, seen, records, reaches, proof }: Facts): Issue | undefined {
  const { hostname } = domain;
  if (!seen.delegated && seen.aliases.length === 0 && seen.addresses.length === 0) {
    return {
      code: "not_delegated",
      message: `The DNS has no zone for "${hostname}": its domain is not registered, or has no name servers.`,
      fix: `Register the domain, or set its name servers at the registrar. Then set ${
        recordsText(routes(records))
      }.`,
    };
  }
  if (seen.proxied) {
    const rest = proof === "txt"
      ? "It is proven by its TXT record; a certificate comes only when the proxy passes /.well-known/acme-challenge/ on over HTTP."
      : "That hides where the name leads, and answers questions of certificate authorities.";
    return {
      code: "proxied",
      message: `"${hostname}" is behind Cloudflare's proxy. ${rest}`,
      fix: proof === "txt"
        ? `For direct connections set ${recordsText(routes(records))} to "DNS only".`
        : `Set ${recordsText(routes(records))} to "DNS only" there, or prove control with ${
          recordsText(proofs(records))
        }.`,
    };
  }
  if (reaches) return undefined;
  const last = seen.aliases.at(-1);
  if (last === undefined && seen.addresses.length === 0) {
    return {
      code: "no_record",
      message: `"${hostname}" has no record yet, so requests to it go nowhere.`,
      fix: `Set ${recordsText(routes(records))}.`,
    };
  }
  return elsewhere(domain, seen, records);
}

function elsewhere(
  { hostname, target }: JudgedDomain,
  seen: Observation,
  records: readonly WantedRecord[],
): Issue {
  const foreign = seen.addresses.filter((each) => !seen.platformAddresses.includes(each));
  if (foreign.length > 0 && foreign.length < seen.addresses.length) {
    return {
      code: "mixed_addresses",
      message: `Beside the platform's addresses "${hostname}" has ${foreign.join(", ")}: ` +
        "some visitors, and some questions of certificate authorities, go there.",
      fix: `Remove ${
        foreign.map((each) => `${each.includes(":") ? "AAAA" : "A"} ${hostname} -> ${each}`).join(", ")
      }.`,
    };
  }
  const last = seen.aliases.at(-1);
  const where = last ?? seen.addresses.join(", ");
  const isOtherName = last?.endsWith(target.slice(target.indexOf("."))) === true;
  const instead = isOtherName ? ", which is another name of this platform" : " instead of this platform";
  return {
    code: "points_elsewhere",
    message: `"${hostname}" leads to ${where}${instead}.`,
    fix: `Replace that record by ${recordsText(routes(records))}.`,
  };
}

function proofIssue({ domain, seen, records, proof, reaches }: Facts): Issue | undefined {
  if (proof !== undefined) return undefined;
  const other = seen.texts.length > 0 ? ` Its value is "${seen.texts.join('", "')}" at present.` : "";
  if (domain.contested) {
    return {
      code: "proof_missing",
      message: `"${domain.hostname}" was verified for another workspace: ` +
        `only a TXT record shows that it is to be yours now.${other}`,
      fix: `Set ${recordsText(proofs(records))}. The name moves when the record is seen.`,
    };
  }
  if (!reaches || seen.proxied) return undefined;
  return {
    code: "proof_missing",
    message:
      `"${domain.hostname}" leads to the platform by addresses, which do not say whose name it is.${other}`,
    fix: `Set ${recordsText(routes(records))} instead, or add ${recordsText(proofs(records))}.`,
  };
}

function caaIssue({ domain: { hostname, authorities }, seen: { caa } }: Facts): Issue | undefined {
  if (caa === null || authorities.length === 0) return undefined;
  const allowed = caa.records.flatMap((record) => {
    const [, value] = /^issue (.*)$/i.exec(record) ?? [];
    return value === undefined ? [] : [(value.split(";")[0] ?? "").trim().toLowerCase()];
  });
  if (allowed.length === 0 || allowed.some((each) => authorities.includes(each))) return undefined;
  const named = allowed.filter((each) => each !== "");
  const which = named.length === 0 ? "no authority" : named.join(", ");
  return {
    code: "caa_forbids",
    message:
      `The CAA record of "${caa.name}" allows certificates of ${which} only, so there will be none for ` +
      `"${hostname}".`,
    fix: `Add CAA ${caa.name} -> 0 issue "${authorities[0] ?? ""}".`,
  };
}

function routes(records: readonly WantedRecord[]): readonly WantedRecord[] {
  return records.filter(({ purpose }) => purpose === "route");
}

function proofs(records: readonly WantedRecord[]): readonly WantedRecord[] {
  return records.filter(({ purpose }) => purpose === "proof");
}
