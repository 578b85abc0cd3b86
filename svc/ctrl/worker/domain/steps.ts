/** The effects of checks. Each may run twice, and its second run finds its work done. */
import { transact } from "../../../../pkg/db/mod.ts";
import { Fault, isFault } from "../../../../pkg/fault/mod.ts";
import { EDGE_REGION } from "../../internal/changes/mod.ts";
import { lookAtDomain } from "../../internal/domains/mod.ts";
import { findCustomDomainById, listDueDomains } from "../../internal/store/mod.ts";
import { applyInTransaction, type ApplyResult } from "./apply_step.ts";
import type { DomainDeps } from "./deps.ts";
import type { Check, DomainSteps, Looked } from "./types.ts";
import { wantInTransaction } from "./want_step.ts";

/** A message with a delay may come this much before its time. */
const EARLY_MS = 1_000;
/** A message that is so late is lost. */
const LATE_MS = 60_000;
const DUE_MAX = 500;
/** Servers of strangers may take their time for each question. */
const LOOK_MS_MAX = 60_000;

/** The steps over the database and the DNS. */
export function createDomainSteps(deps: DomainDeps): DomainSteps {
  const { db, clock, log, changes, certificatesMax } = deps;
  return {
    async begin(domainId) {
      const row = await findCustomDomainById(db.kysely, domainId);
      if (row === undefined) return { kind: "gone" };
      if (row.status === "failed") return { kind: "failed" };
      if (row.next_check_at > clock.now() + EARLY_MS) return { kind: "early" };
      return { kind: "due", check: row.checks };
    },

    async look(domainId, signal) {
      const row = await findCustomDomainById(db.kysely, domainId);
      if (row === undefined) return { kind: "unanswered" };
      const limit = AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS_MAX)]);
      try {
        return { kind: "seen", observation: await lookAtDomain(deps, row, limit) };
      } catch (error) {
        signal.throwIfAborted();
        if (limit.aborted || isFault(error, "unavailable")) return { kind: "unanswered" };
        throw error;
      }
    },

    async apply(check, looked) {
      const { applied, changed } = await applyOnce(deps, check, looked);
      if (changed) {
        changes.changed([EDGE_REGION]);
        log.info("custom domain changed", { domain_id: check.domainId, status: applied.status });
      }
      return applied;
    },

    async want(domainId) {
      if (certificatesMax === undefined) return { kind: "none" };
      const nowMs = clock.now();
      return await transact(db, (tx) => wantInTransaction(tx, { domainId, certificatesMax, nowMs }));
    },

    due: () => listDueDomains(db.kysely, { dueBeforeMs: clock.now() - LATE_MS, limit: DUE_MAX }),
  };
}

/** Two workspaces that prove one name at once take it from each other. */
const ROUNDS_MAX = 5;

async function applyOnce(deps: DomainDeps, check: Check, looked: Looked): Promise<ApplyResult> {
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const order = { check, looked, nowMs: deps.clock.now() };
    const done = await transact(deps.db, (tx) => applyInTransaction(tx, deps, order));
    if (done !== undefined) return done;
  }
  throw new Fault("unavailable", `the name of ${check.domainId} changes hands again and again`);
}
