/** Placing an order at an authority. */
import type { OrderState, Outcome } from "../../../../pkg/acme/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import {
  type CertificateOrdersTable,
  findCertificate,
  findCertificateOrder,
  forgetAcmeOrder,
  spendOrder,
  updateCertificateOrder,
} from "../../internal/store/mod.ts";
import type { ConfiguredAuthority } from "./authorities.ts";
import { callFor, currentOrder, endOf, isRunning, isUnfinished, problemText } from "./current_order.ts";
import type { CertificateDeps } from "./deps.ts";
import type { Done, Unfinished, Wish } from "./types.ts";

/** Goes on with the order that was placed, or places one at the first authority that takes it. */
export async function placeOrder(
  deps: CertificateDeps,
  wish: Wish,
  signal: AbortSignal,
): Promise<Done | Unfinished> {
  const { db, clock, authorities } = deps;
  const former = await currentOrder(deps, wish);
  if (!isUnfinished(former)) {
    const state = await callFor(
      deps,
      former,
      signal,
      (authority, account) => authority.readOrder(account, former.orderUrl, signal),
    );
    if (state.kind === "ok" && state.value.status !== "invalid") return { kind: "done" };
    if (state.kind === "failed" || state.kind === "limited") return state;
    const changes = { order_url: null, encrypted_key: null, updated_at: clock.now() };
    await updateCertificateOrder(db.kysely, wish.hostname, changes);
  } else if (former.kind === "unwanted") return former;
  const row = await findCertificateOrder(db.kysely, wish.hostname);
  if (row === undefined || !isRunning(row, wish)) return { kind: "unwanted" };
  return await placeSomewhere(deps, { row, all: authorities.all }, signal);
}

/** Asks one authority after the other. The last answer is that of the attempt; a limit of one is no reason to wait if another takes it. */
async function placeSomewhere(
  deps: CertificateDeps,
  { row, all }: { readonly row: CertificateOrdersTable; readonly all: readonly ConfiguredAuthority[] },
  signal: AbortSignal,
): Promise<Done | Unfinished> {
  const { db, clock, authorities } = deps;
  let end: Unfinished = {
    kind: "failed",
    afterMs: 0,
    problem: "No certificate authority answers at present.",
  };
  for (const configured of all) {
    if (authorities.isAvoided(configured.authority)) continue;
    const placed = await placeAt(deps, { row, configured }, signal);
    if (placed.kind === "ok") {
      await updateCertificateOrder(db.kysely, row.hostname, {
        directory_url: configured.authority.directoryUrl,
        order_url: placed.value.url,
        encrypted_key: null,
        updated_at: clock.now(),
      });
      return { kind: "done" };
    }
    end = placed;
  }
  return end;
}

async function placeAt(
  deps: CertificateDeps,
  { row, configured }: { readonly row: CertificateOrdersTable; readonly configured: ConfiguredAuthority },
  signal: AbortSignal,
): Promise<{ readonly kind: "ok"; readonly value: OrderState } | Unfinished> {
  const { db, clock, authorities } = deps;
  const { authority, limits } = configured;
  const { hostname, attempt, workspace_id: workspaceId } = row;
  const certificate = await findCertificate(db.kysely, hostname);
  const isSame = certificate?.directory_url === authority.directoryUrl && certificate.renewal_id !== "";
  const replaces = isSame ? certificate.renewal_id : undefined;
  const order = {
    hostname,
    attempt,
    directory_url: authority.directoryUrl,
    workspace_id: workspaceId,
    registered_domain: row.registered_domain,
    // Renewals that name what they replace are outside of the published limits.
    counted: replaces === undefined ? 1 as const : 0 as const,
  };
  const nowMs = clock.now();
  const spent = await transact(
    db,
    (tx) => spendOrder(tx, { order, deadlineMs: row.deadline_at, limits, nowMs }),
  );
  if (spent.kind === "full") {
    const problem = problemText(new URL(authority.directoryUrl).host, "its limit of orders is spent for now");
    return { kind: "limited", untilMs: spent.untilMs, problem };
  }
  const mayBeThere = spent.kind === "known" || row.failures > 0;
  const outcome = await authorities.call(
    { workspaceId, authority },
    signal,
    async (account): Promise<Outcome<OrderState>> => {
      const found = mayBeThere ? await authority.findOrder(account, hostname, signal) : undefined;
      if (found !== undefined && found.kind !== "ok") return found;
      if (found?.value !== undefined) return { kind: "ok", value: found.value };
      return await authority.placeOrder(account, { hostname, replaces }, signal);
    },
  );
  if (outcome.kind === "ok") return outcome;
  await forgetAcmeOrder(db.kysely, order);
  return endOf(outcome, authority);
}
