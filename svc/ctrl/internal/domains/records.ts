/** The records that a user has to set. Pure. */

/** A record, as the forms of DNS providers ask for it. */
export interface WantedRecord {
  readonly type: "CNAME" | "A" | "AAAA" | "ALIAS" | "TXT";
  readonly name: string;
  readonly value: string;
  /** Leads requests to the platform, or proves control of the name. */
  readonly purpose: "route" | "proof";
  /** False: it is another way, or it is needed only in some cases. */
  readonly required: boolean;
}

/** A domain as its records see it. */
export interface RecordOwner {
  readonly hostname: string;
  /** True for the name that was bought, which cannot have a CNAME. */
  readonly isApex: boolean;
  readonly target: string;
  readonly proofText: string;
}

/** The records of a domain; `needsText`: another record proves nothing here. */
export function wantedRecords(
  { hostname: name, isApex, target, proofText }: RecordOwner,
  { addresses, needsText }: { readonly addresses: readonly string[]; readonly needsText: boolean },
): readonly WantedRecord[] {
  const route = { name, purpose: "route", required: true } as const;
  const text = {
    type: "TXT",
    name: `_unkey.${name}`,
    value: proofText,
    purpose: "proof",
    required: needsText,
  } as const;
  if (!isApex) return [{ ...route, type: "CNAME", value: target }, text];
  if (addresses.length === 0) return [{ ...route, type: "ALIAS", value: target }, text];
  const routes = addresses.map((value) => ({
    ...route,
    type: value.includes(":") ? "AAAA" as const : "A" as const,
    value,
  }));
  return [...routes, text];
}

/** `CNAME shop.example.com -> target`, one behind the other. */
export function recordsText(records: readonly WantedRecord[]): string {
  return records.map(({ type, name, value }) => `${type} ${name} -> ${value}`).join(", ");
}
