import type { Lookup, Place } from "./lookup.ts";
import type { DnsProvider } from "./provider.ts";

/** A name whose control is proven, and the value that proves it. */
export interface ProvenName {
  /** Without `*.`. */
  readonly name: string;
  readonly value: string;
}

/** Proofs in the DNS. Each call may be repeated. */
export interface ProofRecords {
  publish(proof: ProvenName, signal: AbortSignal): Promise<void>;
  /** True when every server of the zone shows it. */
  isPublished(proof: ProvenName, signal: AbortSignal): Promise<boolean>;
  withdraw(proof: ProvenName, signal: AbortSignal): Promise<void>;
}

/** Shows proofs through a provider. */
export function openProofRecords(
  { provider, lookup }: { readonly provider: DnsProvider; readonly lookup: Lookup },
): ProofRecords {
  const placeOf = (name: string, signal: AbortSignal): Promise<Place> =>
    lookup.place(`_acme-challenge.${name}`, signal);
  return {
    async publish({ name, value }, signal) {
      await provider.add({ ...await placeOf(name, signal), value }, signal);
    },
    async isPublished({ name, value }, signal) {
      return await lookup.isShown(await placeOf(name, signal), value, signal);
    },
    async withdraw({ name, value }, signal) {
      await provider.remove({ ...await placeOf(name, signal), value }, signal);
    },
  };
}
