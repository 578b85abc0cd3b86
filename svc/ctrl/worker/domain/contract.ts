/** Custom domains as the callers of their workflow see them. */
import { iface } from "@restatedev/restate-sdk/fetch";
import { DOMAIN_SERVICE } from "../../internal/workflows/names.ts";

/** The end of a check. */
export interface VerifyOutcome {
  readonly status: "verified" | "waiting" | "failed" | "gone";
}

/** The result of a look for checks that are due. */
export interface DueOutcome {
  readonly started: number;
}

/**
 * Looks at the DNS of custom domains.
 *
 * One object per domain, by its id: two checks of one never overlap, and what a removed domain left in messages says
 * nothing about a later one of the same name. A check is one call; the wait for the next one is a message with a delay.
 * What is known is in the table `custom_domains`.
 */
export const CustomDomainWorkflow = iface.object(DOMAIN_SERVICE, {
  VerifyDomain: iface.json<Record<string, never>, VerifyOutcome>(),
  /** Key `global`. */
  VerifyDueDomains: iface.json<Record<string, never>, DueOutcome>(),
});
