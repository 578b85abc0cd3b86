/** Certificates that edges use, with their keys as ciphertext. */
import type { Queryable, Tx } from "./database.ts";
import { lockCertificateOrder, updateCertificateOrder } from "./certificate_orders.ts";
import { appendChanges, EDGE_REGION } from "./changes.ts";
import type { CertificatesTable } from "./schema_certificates.ts";

/** A certificate as it was issued. */
export type NewCertificate = Omit<CertificatesTable, "created_at" | "updated_at">;

/** The certificate of a host name, by its unique index. */
export async function findCertificate(
  db: Queryable,
  hostname: string,
): Promise<CertificatesTable | undefined> {
  return await db.selectFrom("certificates").selectAll().where("hostname", "=", hostname).executeTakeFirst();
}

/** These certificates, by primary key. */
export async function listCertificates(db: Queryable, ids: readonly string[]): Promise<CertificatesTable[]> {
  if (ids.length === 0) return [];
  return await db.selectFrom("certificates").selectAll().where("id", "in", [...ids]).execute();
}

/** A page of all certificates by id, after `after`. */
export async function pageCertificates(
  db: Queryable,
  after: string,
  limit: number,
): Promise<CertificatesTable[]> {
  return await db.selectFrom("certificates").selectAll().where("id", ">", after).orderBy("id").limit(limit)
    .execute();
}

/** Stores a certificate in place of the former one of its host name, whose id it takes over, and tells the edges. */
export async function storeCertificate(tx: Tx, given: NewCertificate, nowMs: number): Promise<string> {
  const former = await findCertificate(tx, given.hostname);
  const id = former?.id ?? given.id;
  if (former === undefined) {
    await tx.insertInto("certificates").values({ ...given, created_at: nowMs, updated_at: nowMs }).execute();
  } else {
    const { id: _, hostname: __, ...changed } = given;
    await tx.updateTable("certificates").set({ ...changed, updated_at: nowMs }).where("id", "=", id)
      .execute();
  }
  await appendChanges(tx, EDGE_REGION, [{ resourceType: "certificate", resourceId: id }], nowMs);
  return id;
}

/** Deletes the certificate of a host name and tells the edges; false when there was none. */
export async function deleteCertificate(tx: Tx, hostname: string, nowMs: number): Promise<boolean> {
  const former = await findCertificate(tx, hostname);
  if (former === undefined) return false;
  await tx.deleteFrom("certificates").where("id", "=", former.id).execute();
  await appendChanges(tx, EDGE_REGION, [{ resourceType: "certificate", resourceId: former.id }], nowMs);
  return true;
}

/** Does not want a workspace's certificate any more: the edges lose it. False: it was not wanted. */
export async function cancelCertificateOrder(
  tx: Tx,
  { hostname, workspaceId }: { readonly hostname: string; readonly workspaceId: string },
  nowMs: number,
): Promise<boolean> {
  const order = await lockCertificateOrder(tx, hostname);
  if (order === undefined || order.workspace_id !== workspaceId) return false;
  await updateCertificateOrder(tx, hostname, { status: "cancelled", updated_at: nowMs });
  await deleteCertificate(tx, hostname, nowMs);
  return true;
}

/** When a certificate is renewed, and when its authority is asked again; nothing happens when it was replaced meanwhile. */
export async function setRenewal(
  db: Queryable,
  { id, renewal_id }: Pick<CertificatesTable, "id" | "renewal_id">,
  times: Partial<Pick<CertificatesTable, "renew_at" | "advice_at">>,
): Promise<void> {
  await db.updateTable("certificates").set(times).where("id", "=", id).where("renewal_id", "=", renewal_id)
    .execute();
}
