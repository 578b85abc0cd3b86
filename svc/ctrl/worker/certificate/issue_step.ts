/** The good end of an attempt: the certificate. */
import {
  type LeafCertificate,
  newPrivateKey,
  type OrderState,
  readChain,
  renewAt,
} from "../../../../pkg/acme/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import { openOrderKey, sealCertificateKey, sealOrderKey } from "../../internal/certificates/mod.ts";
import {
  EDGE_REGION,
  endAcmeOrder,
  findCertificate,
  findCertificateOrder,
  lockCertificateOrder,
  type NewCertificate,
  storeCertificate,
  updateCertificateOrder,
} from "../../internal/store/mod.ts";
import {
  callFor,
  type CurrentOrder,
  currentOrder,
  isRunning,
  isUnfinished,
  problemText,
} from "./current_order.ts";
import type { CertificateDeps } from "./deps.ts";
import type { Done, Issued, Pending, Unfinished, Wish } from "./types.ts";

/** Asks for the certificate of a proven order, unless that was done before. */
export async function finalizeOrder(
  deps: CertificateDeps,
  wish: Wish,
  signal: AbortSignal,
): Promise<Done | Pending | Unfinished> {
  const order = await currentOrder(deps, wish);
  if (isUnfinished(order)) return order;
  const key = await keyOf(deps, order);
  const state = await callFor(
    deps,
    order,
    signal,
    (authority, account) => authority.finalize(account, order.orderUrl, key, signal),
  );
  return state.kind === "ok" ? settled(state.value) : state;
}

/** The key is stored before it is used: a certificate without its key would be lost. */
async function keyOf({ db, clock, vault }: CertificateDeps, { row }: CurrentOrder) {
  const owner = { workspaceId: row.workspace_id, hostname: row.hostname };
  if (row.encrypted_key !== null) return await openOrderKey(vault, owner, row.encrypted_key);
  const key = newPrivateKey();
  const encrypted = await sealOrderKey(vault, owner, key);
  await updateCertificateOrder(db.kysely, row.hostname, {
    encrypted_key: encrypted,
    updated_at: clock.now(),
  });
  return key;
}

function settled({ status, problem, lookAtMs }: OrderState): Done | Pending | Unfinished {
  if (status === "valid") return { kind: "done" };
  if (status !== "invalid") return { kind: "pending", lookAtMs: lookAtMs ?? null };
  return {
    kind: "refused",
    problem: problemText("The order was not fulfilled", problem ?? "no reason is given"),
  };
}

/** Takes the certificate to the store and to the edges' feed, in one transaction. */
export async function storeIssued(
  deps: CertificateDeps,
  wish: Wish,
  signal: AbortSignal,
): Promise<Issued | Unfinished> {
  const { db, clock, vault, changes } = deps;
  const { hostname } = wish;
  const stored = await storedBefore(deps, wish);
  if (stored !== undefined) return stored;
  const order = await currentOrder(deps, wish);
  if (isUnfinished(order)) return order;
  const { row, authority, orderUrl } = order;
  const chain = await callFor(deps, order, signal, (ca, account) => ca.download(account, orderUrl, signal));
  if (chain.kind !== "ok") return chain;
  const owner = { workspaceId: row.workspace_id, hostname };
  const key = await keyOf(deps, order);
  const leaf = readChain(chain.value);
  const nowMs = clock.now();
  const problem = leafProblem(leaf, { hostname, key: key.reveal(), nowMs });
  if (problem !== undefined) return { kind: "refused", problem };
  const certificate: NewCertificate = {
    id: newId("certificate", nowMs),
    workspace_id: row.workspace_id,
    hostname,
    chain: chain.value,
    encrypted_private_key: await sealCertificateKey(vault, owner, key),
    not_before: leaf.notBeforeMs,
    not_after: leaf.notAfterMs,
    renew_at: renewAt(leaf, { spread: 0 }),
    advice_at: nowMs,
    renewal_id: leaf.renewalId ?? "",
    directory_url: authority.directoryUrl,
  };
  const id = await transact(db, async (tx) => {
    const current = await lockCertificateOrder(tx, hostname);
    if (current === undefined || !isRunning(current, wish)) return undefined;
    await endAcmeOrder(tx, wish, "issued");
    await updateCertificateOrder(tx, hostname, {
      status: "issued",
      failures: 0,
      problem: null,
      directory_url: null,
      order_url: null,
      encrypted_key: null,
      deadline_at: leaf.notAfterMs,
      updated_at: nowMs,
    });
    return await storeCertificate(tx, certificate, nowMs);
  });
  if (id === undefined) return { kind: "unwanted" };
  changes.changed([EDGE_REGION]);
  return { kind: "issued", certificateId: id };
}

/** An earlier run of this very step committed and was not recorded. */
async function storedBefore(
  { db, changes }: CertificateDeps,
  { hostname, attempt }: Wish,
): Promise<Issued | undefined> {
  const row = await findCertificateOrder(db.kysely, hostname);
  if (row?.status !== "issued" || row.attempt !== attempt) return undefined;
  const certificate = await findCertificate(db.kysely, hostname);
  changes.changed([EDGE_REGION]);
  return certificate && { kind: "issued", certificateId: certificate.id };
}

function leafProblem(
  leaf: LeafCertificate,
  { hostname, key, nowMs }: { readonly hostname: string; readonly key: string; readonly nowMs: number },
): string | undefined {
  if (!leaf.covers(hostname)) return `The authority's certificate is not for ${hostname}.`;
  if (!leaf.fitsKey(key)) return "The authority's certificate is for another key.";
  if (leaf.notAfterMs <= nowMs) return "The authority's certificate has ended already.";
  return undefined;
}
