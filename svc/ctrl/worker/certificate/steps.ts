/** The effects of getting certificates. Each may run twice, and its second run finds its work done. */
import type { CertificateDeps } from "./deps.ts";
import { beginAttempt, failAttempt, forgetWish } from "./attempt_step.ts";
import { placeOrder } from "./order_step.ts";
import { answerProof, cleanProofs, isProofPublished, lookAtProof, prepareProof } from "./proof_step.ts";
import { type Alarms, findDue, takeAdvice } from "./renew_step.ts";
import { finalizeOrder, storeIssued } from "./issue_step.ts";
import type { CertificateSteps } from "./types.ts";

/** The steps over the database and the authorities. */
export function createCertificateSteps(deps: CertificateDeps): CertificateSteps {
  const alarms: Alarms = new Map();
  return {
    begin: (hostname) => beginAttempt(deps, hostname),
    order: (wish, signal) => placeOrder(deps, wish, signal),
    prepare: (wish, signal) => prepareProof(deps, wish, signal),
    isPublished: (wish, signal) => isProofPublished(deps, wish, signal),
    answer: (wish, signal) => answerProof(deps, wish, signal),
    lookAtProof: (wish, signal) => lookAtProof(deps, wish, signal),
    finalize: (wish, signal) => finalizeOrder(deps, wish, signal),
    // A request to issue that was lost is made again.
    lookAtOrder: (wish, signal) => finalizeOrder(deps, wish, signal),
    store: (wish, signal) => storeIssued(deps, wish, signal),
    fail: (wish, end, signal) => failAttempt(deps, { wish, end }, signal),
    clean: (hostname, signal) => cleanProofs(deps, hostname, signal),
    forget: (wish, signal) => forgetWish(deps, wish, signal),
    takeAdvice: (signal) => takeAdvice(deps, signal),
    due: (days) => findDue(deps, days, alarms),
  };
}
