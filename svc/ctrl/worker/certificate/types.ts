/** The effects of getting a certificate as its workflow sees them, and the results of each. */
import type { ChallengeKind } from "../../internal/store/mod.ts";

/** The wish that an attempt is for. */
export interface Wish {
  readonly hostname: string;
  readonly attempt: number;
}

/** An attempt that may go on, or the reason why there is none. */
export type Begun =
  | { readonly kind: "begun"; readonly attempt: number; readonly challenge: ChallengeKind }
  /** It was never wanted, or is not any more. */
  | { readonly kind: "unwanted" }
  | { readonly kind: "cancelled"; readonly attempt: number }
  | { readonly kind: "current"; readonly certificateId: string }
  | { readonly kind: "early" };

/** The end of an attempt without a certificate. */
export type Unfinished =
  /** Not before `untilMs`: a limit of the authority, or our own count of it. */
  | { readonly kind: "limited"; readonly untilMs: number; readonly problem: string }
  /** The authority says no as things are; its order is over. */
  | { readonly kind: "refused"; readonly problem: string }
  /** No answer, or none in time; the order goes on with the next attempt. */
  | { readonly kind: "failed"; readonly problem: string; readonly afterMs: number }
  /** The wish was cancelled meanwhile. */
  | { readonly kind: "unwanted" };

export type Pending = { readonly kind: "pending"; readonly lookAtMs: number | null };
export type Done = { readonly kind: "done" };

/** The state of the proof that the authority wants to see. */
export type Proof =
  | { readonly kind: "proven" }
  | { readonly kind: "prepared"; readonly isRecord: boolean };

export interface Issued {
  readonly kind: "issued";
  readonly certificateId: string;
}

/** A host name whose attempt is due. */
export interface DueOrder {
  readonly hostname: string;
  readonly workspaceId: string;
  readonly attempt: number;
}

/** The result of looking through all certificates. */
export interface Due {
  readonly checked: number;
  readonly orders: readonly DueOrder[];
  /** Names that an operator should look at. */
  readonly failing: readonly string[];
}

/** The effects that the workflow orders. Each may run twice. */
export interface CertificateSteps {
  begin(hostname: string): Promise<Begun>;
  /** Places an order at the first authority that takes one, or goes on with the one that was placed. */
  order(wish: Wish, signal: AbortSignal): Promise<Done | Unfinished>;
  /** Makes the proof that the order asks for, and lets edges or the DNS show it. */
  prepare(wish: Wish, signal: AbortSignal): Promise<Proof | Unfinished>;
  /** True when all servers of the zone show the record. */
  isPublished(wish: Wish, signal: AbortSignal): Promise<boolean>;
  /** Tells the authority to look. */
  answer(wish: Wish, signal: AbortSignal): Promise<Done | Unfinished>;
  /** Asks whether the proof was accepted. */
  lookAtProof(wish: Wish, signal: AbortSignal): Promise<Done | Pending | Unfinished>;
  /** Makes a key and asks for the certificate. */
  finalize(wish: Wish, signal: AbortSignal): Promise<Done | Pending | Unfinished>;
  lookAtOrder(wish: Wish, signal: AbortSignal): Promise<Done | Pending | Unfinished>;
  /** Takes the certificate to the store, and to the edges. */
  store(wish: Wish, signal: AbortSignal): Promise<Issued | Unfinished>;
  /** Notes why the attempt came to nothing; returns the wait until the next one. */
  fail(wish: Wish, end: Unfinished, signal: AbortSignal): Promise<number | null>;
  /** Takes the proofs away. */
  clean(hostname: string, signal: AbortSignal): Promise<void>;
  /** Gives up what a cancelled wish left, and forgets it. */
  forget(wish: Wish, signal: AbortSignal): Promise<void>;
  /** Asks authorities when to renew. */
  takeAdvice(signal: AbortSignal): Promise<void>;
  due(days: number): Promise<Due>;
}
