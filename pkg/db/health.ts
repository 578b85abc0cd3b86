/** True if the database answers. */
import { sql } from "kysely";
import type { Database } from "./open.ts";

/**
 * Asks the database for one row, or does what `probe` does. Rejects with `unavailable`, or with the signal's reason as soon as
 * it aborts.
 */
export async function ping<S>(
  db: Database<S>,
  signal?: AbortSignal,
  probe: () => Promise<unknown> = () => sql`select 1`.execute(db.kysely),
): Promise<void> {
  signal?.throwIfAborted();
  const stopped = Promise.withResolvers<never>();
  const abort = (): void => stopped.reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    // The statement itself is bounded by the database's own limits.
    await Promise.race([probe(), stopped.promise]);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}
