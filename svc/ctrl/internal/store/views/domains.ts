/** Custom domains as the api shows them. */
import type { Queryable } from "../database.ts";
import type { CustomDomainsTable } from "../schema_domains.ts";
import type { CertificateOrdersTable } from "../schema_certificates.ts";

/** A domain with its environment, and how far its certificate is. */
export interface DomainView extends CustomDomainsTable {
  readonly environment_slug: string;
  /** `null`: none is wanted yet. */
  readonly order_status: CertificateOrdersTable["status"] | null;
  readonly order_problem: string | null;
  readonly order_next_attempt_at: number | null;
  /** `null`: there is none yet. */
  readonly not_after: number | null;
}

/** A domain that visitors do not get to, or not for long. */
export interface TroubledDomain
  extends Pick<CustomDomainsTable, "hostname" | "status" | "lost_at" | "findings"> {
  readonly project_slug: string;
  readonly environment_slug: string;
}

/** Domains of a workspace that are not proven, do not lead here, or have lost their proof; by name. */
export async function listTroubledDomains(
  db: Queryable,
  workspaceId: string,
  limit: number,
): Promise<TroubledDomain[]> {
  return await db.selectFrom("custom_domains")
    .innerJoin("environments", "environments.id", "custom_domains.environment_id")
    .innerJoin("projects", "projects.id", "custom_domains.project_id")
    .select([
      "custom_domains.hostname",
      "custom_domains.status",
      "custom_domains.lost_at",
      "custom_domains.findings",
      "projects.slug as project_slug",
      "environments.slug as environment_slug",
    ])
    .where("custom_domains.workspace_id", "=", workspaceId)
    .where((eb) =>
      eb.or([
        eb("custom_domains.status", "!=", "verified"),
        eb("custom_domains.reaches", "=", 0),
        eb("custom_domains.lost_at", "is not", null),
      ])
    )
    .orderBy("custom_domains.hostname").limit(limit).execute();
}

/** The domains of a project, or of one of its environments, or one of them; by name. Index on the project. */
export async function listDomainViews(
  db: Queryable,
  { projectId, environmentId, hostname }: {
    readonly projectId: string;
    readonly environmentId?: string | undefined;
    readonly hostname?: string | undefined;
  },
): Promise<DomainView[]> {
  let query = db.selectFrom("custom_domains")
    .innerJoin("environments", "environments.id", "custom_domains.environment_id")
    .leftJoin(
      "certificate_orders",
      (join) =>
        join.onRef("certificate_orders.hostname", "=", "custom_domains.hostname")
          .onRef("certificate_orders.workspace_id", "=", "custom_domains.workspace_id"),
    )
    .leftJoin("certificates", (join) =>
      join.onRef("certificates.hostname", "=", "custom_domains.hostname")
        .onRef("certificates.workspace_id", "=", "custom_domains.workspace_id"))
    .selectAll("custom_domains")
    .select([
      "environments.slug as environment_slug",
      "certificate_orders.status as order_status",
      "certificate_orders.problem as order_problem",
      "certificate_orders.next_attempt_at as order_next_attempt_at",
      "certificates.not_after",
    ])
    .where("custom_domains.project_id", "=", projectId);
  if (environmentId !== undefined) query = query.where("custom_domains.environment_id", "=", environmentId);
  if (hostname !== undefined) query = query.where("custom_domains.hostname", "=", hostname);
  return await query.orderBy("custom_domains.hostname").execute();
}
