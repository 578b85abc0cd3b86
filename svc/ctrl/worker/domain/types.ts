/** The effects of a check as its workflow sees them, and the results of each. */
import type { Observation } from "../../internal/domains/mod.ts";

/** A check that is to be made, or the reason why there is none. */
export type Begun =
  /** `check` numbers the checks of the domain. */
  | { readonly kind: "due"; readonly check: number }
  | { readonly kind: "early" }
  /** It waits for a user to retry it. */
  | { readonly kind: "failed" }
  | { readonly kind: "gone" };

/** The answer of the DNS. */
export type Looked =
  | { readonly kind: "seen"; readonly observation: Observation }
  | { readonly kind: "unanswered" };

/** The result of a check. */
export interface Applied {
  readonly status: "verified" | "waiting" | "failed" | "gone";
  /** Until the next check; `null`: there is none. */
  readonly delayMs: number | null;
  /** Names that are not to have a certificate any more. */
  readonly ended: readonly string[];
}

/** A certificate that is wanted from now on. */
export type Wanted =
  | { readonly kind: "wanted"; readonly hostname: string; readonly workspaceId: string }
  /** It is there or under way, or the domain does not lead here. */
  | { readonly kind: "none" }
  /** The certificate of a former owner is being given up, or the workspace has had its share; the check comes again. */
  | { readonly kind: "later"; readonly delayMs: number };

/** One check of a domain. */
export interface Check {
  readonly domainId: string;
  readonly check: number;
}

/** The effects that the workflow orders. Each may run twice. */
export interface DomainSteps {
  begin(domainId: string): Promise<Begun>;
  look(domainId: string, signal: AbortSignal): Promise<Looked>;
  /** Writes down what was seen: the status, who holds the name, and its route. */
  apply(check: Check, looked: Looked): Promise<Applied>;
  /** Wants a certificate for a domain that leads here. */
  want(domainId: string): Promise<Wanted>;
  /** Ids of domains whose message was lost. */
  due(): Promise<readonly string[]>;
}
