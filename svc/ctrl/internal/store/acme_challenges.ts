/** Proofs that authorities ask for. */
import { upsert } from "../../../../pkg/db/mod.ts";
import type { Queryable } from "./database.ts";
import type { AcmeChallengesTable } from "./schema_certificates.ts";

/** Writes down a proof, in place of the same one. */
export async function putAcmeChallenge(db: Queryable, row: AcmeChallengesTable): Promise<void> {
  await upsert(db, "acme_challenges", [row], {
    key: ["hostname", "token"],
    update: ["challenge_type", "key_authorization", "record_value", "created_at"],
  });
}

/** The answer to an HTTP-01 question about a host name, by primary key; `undefined`: there is no such proof. */
export async function findKeyAuthorization(
  db: Queryable,
  hostname: string,
  token: string,
): Promise<string | undefined> {
  const row = await db.selectFrom("acme_challenges").select("key_authorization")
    .where("hostname", "=", hostname).where("token", "=", token).where("challenge_type", "=", "http-01")
    .executeTakeFirst();
  return row?.key_authorization;
}

/** All proofs of a host name. */
export async function listAcmeChallenges(db: Queryable, hostname: string): Promise<AcmeChallengesTable[]> {
  return await db.selectFrom("acme_challenges").selectAll().where("hostname", "=", hostname)
    .orderBy("created_at").execute();
}

/** Names with proofs from before `beforeMs` that no attempt works on. */
export async function listNamesWithOldChallenges(
  db: Queryable,
  beforeMs: number,
  limit: number,
): Promise<string[]> {
  const rows = await db.selectFrom("acme_challenges")
    .leftJoin("certificate_orders", "certificate_orders.hostname", "acme_challenges.hostname")
    .select("acme_challenges.hostname").distinct().where("acme_challenges.created_at", "<", beforeMs)
    .where((eb) => eb.or([eb("status", "is", null), eb("status", "!=", "ordering")])).limit(limit).execute();
  return rows.map(({ hostname }) => hostname);
}

/** Forgets a proof. */
export async function deleteAcmeChallenge(db: Queryable, hostname: string, token: string): Promise<void> {
  await db.deleteFrom("acme_challenges").where("hostname", "=", hostname).where("token", "=", token)
    .execute();
}
