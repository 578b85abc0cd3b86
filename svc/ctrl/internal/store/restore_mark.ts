/**
 * The mark of a database whose restore has not ended: a row among the names of migrations. Its name ends as that of a
 * migration that removes something, so that programs of all releases refuse the database (decision 0046).
 */
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";

const MARK = /^9999_unfinished_restore_[a-z0-9]+_after_9999$/;

/** Each restore has a mark of its own. */
export function newRestoreMark(): string {
  return `9999_unfinished_restore_${newDnsName(16)}_after_9999`;
}

export function isRestoreMark(migration: string): boolean {
  return MARK.test(migration);
}

/** @throws `failed_precondition` when a restore that is not `own` has begun and not ended */
export function assertRestored(applied: readonly string[], own?: string): void {
  if (!applied.some((name) => isRestoreMark(name) && name !== own)) return;
  throw publicFault(
    "failed_precondition",
    'A restore into this database has not ended. Run "unkey ctrl restore" again: it empties the database and begins anew.',
  );
}
