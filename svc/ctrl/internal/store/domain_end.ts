/** The end of a domain, with its hold on the name, its route and its certificate. */
import { lockRows } from "../../../../pkg/db/mod.ts";
import { cancelCertificateOrder } from "./certificates.ts";
import type { Tx } from "./database.ts";
import { releaseHostname } from "./held_hostnames.ts";
import { announceHostnames, removeRouteOfHostname } from "./routes.ts";
import { listRedirectsTo } from "./custom_domains.ts";
import type { CustomDomainsTable } from "./schema_domains.ts";

/**
 * Takes the name from a domain that held it; the domain's row stays. The edges' feed has changed afterwards. True: there
 * was a certificate, or an order for one, which its workflow gives up.
 */
export async function endDomain(
  tx: Tx,
  { id, hostname, workspace_id: workspaceId }: Pick<CustomDomainsTable, "id" | "hostname" | "workspace_id">,
  nowMs: number,
): Promise<boolean> {
  await releaseHostname(tx, id, hostname, nowMs);
  await removeRouteOfHostname(tx, { hostname, workspaceId }, nowMs);
  const hadCertificate = await cancelCertificateOrder(tx, { hostname, workspaceId }, nowMs);
  // Names that redirect to it serve by themselves from now on.
  const redirecting = await listRedirectsTo(tx, { hostname, workspaceId });
  await announceHostnames(tx, { workspaceId, hostnames: redirecting }, nowMs);
  return hadCertificate;
}

/** Removes all domains of an environment. False: there were none. */
export async function removeDomainsOfEnvironment(
  tx: Tx,
  environmentId: string,
  nowMs: number,
): Promise<boolean> {
  const query = tx.selectFrom("custom_domains").select(["id", "hostname", "workspace_id"])
    .where("environment_id", "=", environmentId).orderBy("hostname");
  const rows = await lockRows(tx, query).execute();
  for (const row of rows) await endDomain(tx, row, nowMs);
  await tx.deleteFrom("custom_domains").where("environment_id", "=", environmentId).execute();
  return rows.length > 0;
}
