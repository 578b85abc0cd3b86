import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import {
  cancelCertificateOrder,
  type CertificateOrdersTable,
  type CtrlDatabase,
  EDGE_REGION,
  requestCertificateOrder,
  type Tx,
  updateCertificateOrder,
} from "../store/mod.ts";
import type { ChangeNotifier } from "../changes/mod.ts";
import type { Workflows } from "../workflows/mod.ts";
import { certificateHostname, isWildcard, registeredDomain } from "./hostname.ts";

export interface RequestDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly workflows: Pick<Workflows, "processCertificate">;
}

/** A host name that a workspace wants a certificate for. */
export interface CertificateWish {
  readonly workspaceId: string;
  readonly hostname: string;
}

/**
 * Wants a certificate for a host name, from now on and always. Safe to repeat: a wish that is there is tried again at
 * once, unless a limit of an authority was met.
 *
 * @throws `already_exists` when another workspace has the name, `unavailable` when the wish is written down and no
 * workflow engine answers: it is fulfilled later
 */
export async function requestCertificate(
  { db, clock, workflows }: RequestDeps,
  wish: CertificateWish,
  signal?: AbortSignal,
): Promise<void> {
  const hostname = certificateHostname("hostname", wish.hostname);
  const nowMs = clock.now();
  await transact(db, (tx) => requestInTransaction(tx, { ...wish, hostname }, nowMs));
  await workflows.processCertificate(hostname, signal);
}

/** The same within a transaction; its caller starts the attempt afterwards. @throws `already_exists` */
export async function requestInTransaction(tx: Tx, wish: CertificateWish, nowMs: number): Promise<void> {
  const { hostname, workspaceId } = wish;
  const order = await requestCertificateOrder(tx, {
    hostname,
    workspace_id: workspaceId,
    challenge_type: isWildcard(hostname) ? "dns-01" : "http-01",
    registered_domain: registeredDomain(hostname),
  }, nowMs);
  if (order === undefined) return;
  checkOwner(order, wish);
  if (order.status === "issued" || order.status === "ordering") return;
  await updateCertificateOrder(tx, hostname, {
    status: "waiting",
    next_attempt_at: Math.max(nowMs, order.limited_until),
    updated_at: nowMs,
  });
}

/** Does not want it any more: edges lose the certificate, and what is under way is given up. */
export async function cancelCertificate(
  { db, clock, workflows, changes }: RequestDeps & { readonly changes: ChangeNotifier },
  wish: CertificateWish,
  signal?: AbortSignal,
): Promise<void> {
  const hostname = certificateHostname("hostname", wish.hostname);
  const nowMs = clock.now();
  const owned = { hostname, workspaceId: wish.workspaceId };
  const isKnown = await transact(db, (tx) => cancelCertificateOrder(tx, owned, nowMs));
  if (!isKnown) return;
  changes.changed([EDGE_REGION]);
  await workflows.processCertificate(hostname, signal);
}

function checkOwner({ workspace_id: owner, hostname }: CertificateOrdersTable, wish: CertificateWish): void {
  if (owner === wish.workspaceId) return;
  throw publicFault("already_exists", `The host name "${hostname}" is taken: another workspace uses it.`);
}
