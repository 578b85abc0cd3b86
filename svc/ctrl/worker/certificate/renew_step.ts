/** Renewal: when, and of which certificates. */
import { createHash } from "node:crypto";
import { Semaphore } from "../../../../pkg/async/mod.ts";
import { renewAt } from "../../../../pkg/acme/mod.ts";
import {
  type CertificateOrdersTable,
  type CertificatesTable,
  countCertificates,
  deleteOldAcmeOrders,
  findCertificate,
  listCertificatesForAdvice,
  listCertificatesToRenew,
  listNamesWithOldChallenges,
  listOpenOrders,
  listOverdueOrders,
  setRenewal,
} from "../../internal/store/mod.ts";
import type { CertificateDeps } from "./deps.ts";
import { isLate } from "../../internal/certificates/mod.ts";
import { cleanProofs } from "./proof_step.ts";
import type { Due, DueOrder } from "./types.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Asked per pass. */
const ADVICE_MAX = 50;
/** Questions to authorities at a time. */
const AT_ONCE_MAX = 8;
/** Started per pass; the rest is due at the next. */
const DUE_MAX = 200;
/** The message for an attempt is older than that only when it was lost. */
const OVERDUE_MS = MINUTE_MS;
/** An attempt takes less. */
const SILENT_MS = 15 * MINUTE_MS;
/** The longest window of a limit is a week. */
const ORDERS_KEPT_MS = 8 * DAY_MS;
/** Forgotten per pass, of which there is one a minute: more than all authorities allow together. */
const ORDERS_FORGOTTEN_MAX = 200;

/** The times of the last alarms of this process, by host name. */
export type Alarms = Map<string, number>;
/** Between two alarms about one name. */
const ALARM_MS = HOUR_MS;

/** Asks authorities when to renew what they issued, and takes away proofs that stayed. */
export async function takeAdvice(deps: CertificateDeps, signal: AbortSignal): Promise<void> {
  const { db, clock } = deps;
  const nowMs = clock.now();
  await deleteOldAcmeOrders(db.kysely, { beforeMs: nowMs - ORDERS_KEPT_MS, limit: ORDERS_FORGOTTEN_MAX });
  for (const hostname of await listNamesWithOldChallenges(db.kysely, nowMs - SILENT_MS, ADVICE_MAX)) {
    await cleanProofs(deps, hostname, signal);
  }
  const certificates = await listCertificatesForAdvice(db.kysely, { nowMs, limit: ADVICE_MAX });
  // An authority that is slow must not make the pass as long as all its answers one after the other.
  const limit = new Semaphore({ permits: AT_ONCE_MAX });
  await Promise.all(certificates.map((each) => limit.run(() => takeAdviceOf(deps, each, signal))));
}

async function takeAdviceOf(
  { db, clock, authorities }: CertificateDeps,
  certificate: CertificatesTable,
  signal: AbortSignal,
): Promise<void> {
  const nowMs = clock.now();
  const authority = authorities.find(certificate.directory_url);
  const info = authority === undefined || authorities.isAvoided(authority)
    ? undefined
    : await authorities.ask(authority, () => authority.renewalInfo(certificate.renewal_id, signal));
  if (info?.kind !== "ok") await setRenewal(db.kysely, certificate, { advice_at: nowMs + HOUR_MS });
  else if (info.value === undefined) {
    await setRenewal(db.kysely, certificate, { advice_at: nowMs + DAY_MS });
  } else {
    const { window, askAgainMs } = info.value;
    const lifetime = { notBeforeMs: certificate.not_before, notAfterMs: certificate.not_after };
    const spread = spreadOf(certificate.renewal_id);
    await setRenewal(db.kysely, certificate, {
      renew_at: renewAt(lifetime, { window, spread }),
      advice_at: askAgainMs,
    });
  }
}

/** The same for each question about a certificate, so that its time in the window stays. */
function spreadOf(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32BE(0) / 2 ** 32;
}

/** Orders to start now, the most urgent first, and names that an operator should look at. */
export async function findDue(
  { db, clock, log }: CertificateDeps,
  days: number,
  alarms: Alarms,
): Promise<Due> {
  const nowMs = clock.now();
  const renewals = await listCertificatesToRenew(db.kysely, {
    nowMs,
    endsBeforeMs: days > 0 ? nowMs + days * DAY_MS : 0,
    limit: DUE_MAX,
  });
  for (const { hostname } of renewals) {
    await makeDue(db.kysely, await findCertificate(db.kysely, hostname), nowMs);
  }
  const overdue = await listOverdueOrders(db.kysely, {
    dueBeforeMs: nowMs - OVERDUE_MS,
    silentSinceMs: nowMs - SILENT_MS,
    limit: DUE_MAX,
  });
  const late = (await listOpenOrders(db.kysely, { limit: DUE_MAX })).filter((each) => isLate(each, nowMs));
  for (const { hostname, notAfterMs, failures, problem } of late) {
    if (nowMs - (alarms.get(hostname) ?? 0) < ALARM_MS) continue;
    alarms.set(hostname, nowMs);
    log.error("a certificate is late: look at its problem", { hostname, notAfterMs, failures, problem });
  }
  const isLateNow = new Set(late.map(({ hostname }) => hostname));
  for (const hostname of [...alarms.keys()]) if (!isLateNow.has(hostname)) alarms.delete(hostname);
  return {
    checked: await countCertificates(db.kysely),
    orders: [...overdue, ...renewals].map(dueOrder),
    failing: late.map(({ hostname }) => hostname),
  };
}

async function makeDue(
  db: CertificateDeps["db"]["kysely"],
  certificate: CertificatesTable | undefined,
  nowMs: number,
): Promise<void> {
  if (certificate !== undefined && certificate.renew_at > nowMs) {
    await setRenewal(db, certificate, { renew_at: nowMs });
  }
}

function dueOrder(
  { hostname, workspace_id: workspaceId, attempt, status }: CertificateOrdersTable,
): DueOrder {
  return { hostname, workspaceId, attempt: status === "ordering" ? attempt : attempt + 1 };
}
