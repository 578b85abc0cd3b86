/** Proofs of the control over a name. */
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Challenge } from "../../../../pkg/acme/mod.ts";
import { isWildcard } from "../../internal/certificates/mod.ts";
import {
  type AcmeChallengesTable,
  deleteAcmeChallenge,
  listAcmeChallenges,
  putAcmeChallenge,
} from "../../internal/store/mod.ts";
import { callFor, type CurrentOrder, currentOrder, isUnfinished, problemText } from "./current_order.ts";
import type { ProvenName } from "../../../../pkg/dns01/mod.ts";
import type { CertificateDeps } from "./deps.ts";
import type { Done, Pending, Proof, Unfinished, Wish } from "./types.ts";

interface Asked {
  readonly kind: "asked";
  readonly order: CurrentOrder;
  readonly challenge: Challenge;
}

/** The proof that the order's authority wants. */
async function ask(deps: CertificateDeps, wish: Wish, signal: AbortSignal): Promise<Asked | Unfinished> {
  const order = await currentOrder(deps, wish);
  if (isUnfinished(order)) return order;
  const { challenge_type: type } = order.row;
  const challenge = await callFor(
    deps,
    order,
    signal,
    (authority, account) => authority.readChallenge(account, order.orderUrl, type, signal),
  );
  if (challenge.kind !== "ok") return challenge;
  if (challenge.value.status !== "invalid") return { kind: "asked", order, challenge: challenge.value };
  const how = type === "dns-01" ? "The TXT record was not accepted" : "The answer over HTTP was not accepted";
  return { kind: "refused", problem: problemText(how, challenge.value.problem ?? "no reason is given") };
}

/** Lets edges answer, or the DNS show, what the authority asks for. */
export async function prepareProof(
  deps: CertificateDeps,
  wish: Wish,
  signal: AbortSignal,
): Promise<Proof | Unfinished> {
  const { db, clock, records } = deps;
  const asked = await ask(deps, wish, signal);
  if (asked.kind !== "asked") return asked;
  const { challenge, order } = asked;
  if (challenge.status === "valid") return { kind: "proven" };
  const isRecord = order.row.challenge_type === "dns-01";
  if (isRecord && records === undefined) {
    const problem =
      "Certificates for all names below one need proofs by DNS, and the platform has no DNS provider.";
    return { kind: "refused", problem };
  }
  const proof: AcmeChallengesTable = {
    hostname: wish.hostname,
    token: challenge.token,
    challenge_type: order.row.challenge_type,
    key_authorization: challenge.keyAuthorization,
    record_value: challenge.dnsValue,
    created_at: clock.now(),
  };
  // Before the record: whatever is published can be found again.
  await putAcmeChallenge(db.kysely, proof);
  if (!isRecord) return { kind: "prepared", isRecord };
  try {
    await records?.publish(recordOf(proof), signal);
    return { kind: "prepared", isRecord };
  } catch (error) {
    signal.throwIfAborted();
    deps.log.error("a proof was not written to the DNS", {
      hostname: wish.hostname,
      error: describeError(error),
    });
    return {
      kind: "failed",
      afterMs: 0,
      problem: "The platform's DNS provider did not take the record that proves the name.",
    };
  }
}

/** True when the DNS shows all records of the name. */
export async function isProofPublished(
  { db, log, records }: CertificateDeps,
  { hostname }: Wish,
  signal: AbortSignal,
): Promise<boolean> {
  for (const proof of await listAcmeChallenges(db.kysely, hostname)) {
    if (proof.challenge_type !== "dns-01" || records === undefined) continue;
    try {
      if (!await records.isPublished(recordOf(proof), signal)) return false;
    } catch (error) {
      signal.throwIfAborted();
      log.warn("the DNS does not answer for a proof", { hostname, error: describeError(error) });
      return false;
    }
  }
  return true;
}

/** Tells the authority to look. */
export async function answerProof(
  deps: CertificateDeps,
  wish: Wish,
  signal: AbortSignal,
): Promise<Done | Unfinished> {
  const asked = await ask(deps, wish, signal);
  if (asked.kind !== "asked") return asked;
  if (asked.challenge.status === "valid" || asked.challenge.isAnswered) return { kind: "done" };
  const answered = await callFor(
    deps,
    asked.order,
    signal,
    (authority, account) => authority.answerChallenge(account, asked.challenge, signal),
  );
  return answered.kind === "ok" ? { kind: "done" } : answered;
}

/** Asks whether the authority has accepted it. */
export async function lookAtProof(
  deps: CertificateDeps,
  wish: Wish,
  signal: AbortSignal,
): Promise<Done | Pending | Unfinished> {
  const asked = await ask(deps, wish, signal);
  if (asked.kind !== "asked") return asked;
  if (asked.challenge.status === "valid") return { kind: "done" };
  return { kind: "pending", lookAtMs: asked.challenge.lookAtMs ?? null };
}

/** Takes all proofs of a name away. A record that stays for now is tried again by the next attempt, and by the sweep. */
export async function cleanProofs(
  { db, log, records }: CertificateDeps,
  hostname: string,
  signal: AbortSignal,
): Promise<void> {
  for (const proof of await listAcmeChallenges(db.kysely, hostname)) {
    if (proof.challenge_type === "dns-01") {
      try {
        await records?.withdraw(recordOf(proof), signal);
      } catch (error) {
        signal.throwIfAborted();
        log.warn("a proof stays in the DNS for now", { hostname, error: describeError(error) });
        continue;
      }
    }
    await deleteAcmeChallenge(db.kysely, hostname, proof.token);
  }
}

function recordOf({ hostname, record_value: value }: AcmeChallengesTable): ProvenName {
  return { name: isWildcard(hostname) ? hostname.slice(2) : hostname, value };
}
