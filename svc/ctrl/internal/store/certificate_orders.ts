/** Wishes for certificates, and the progress of the orders for them. */
import { insertIgnore, lockRows } from "../../../../pkg/db/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import type { CertificateOrdersTable } from "./schema_certificates.ts";

/** A wish for a certificate. */
export type NewCertificateOrder = Pick<
  CertificateOrdersTable,
  "hostname" | "workspace_id" | "challenge_type" | "registered_domain"
>;

/** Writes down a wish unless there is one for this host name, and returns the one that is there. */
export async function requestCertificateOrder(
  tx: Tx,
  wish: NewCertificateOrder,
  nowMs: number,
): Promise<CertificateOrdersTable | undefined> {
  const row: CertificateOrdersTable = {
    ...wish,
    status: "waiting",
    attempt: 0,
    failures: 0,
    next_attempt_at: nowMs,
    limited_until: 0,
    deadline_at: nowMs,
    directory_url: null,
    order_url: null,
    encrypted_key: null,
    problem: null,
    created_at: nowMs,
    updated_at: nowMs,
  };
  await insertIgnore(tx, "certificate_orders", [row], ["hostname"]);
  return await lockCertificateOrder(tx, wish.hostname);
}

/** The wish for a host name, by primary key. */
export async function findCertificateOrder(
  db: Queryable,
  hostname: string,
): Promise<CertificateOrdersTable | undefined> {
  return await db.selectFrom("certificate_orders").selectAll().where("hostname", "=", hostname)
    .executeTakeFirst();
}

/** The same, locked until the transaction ends. */
export async function lockCertificateOrder(
  tx: Tx,
  hostname: string,
): Promise<CertificateOrdersTable | undefined> {
  const query = tx.selectFrom("certificate_orders").selectAll().where("hostname", "=", hostname);
  return await lockRows(tx, query).executeTakeFirst();
}

/** Changes a wish. */
export async function updateCertificateOrder(
  db: Queryable,
  hostname: string,
  changes: Partial<Omit<CertificateOrdersTable, "hostname">> & { readonly updated_at: number },
): Promise<void> {
  await db.updateTable("certificate_orders").set(changes).where("hostname", "=", hostname).execute();
}

/** Forgets a wish that was cancelled; false when it is wanted again. */
export async function deleteCancelledOrder(db: Queryable, hostname: string): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom("certificate_orders").where("hostname", "=", hostname)
    .where("status", "=", "cancelled").executeTakeFirst();
  return numDeletedRows > 0n;
}
