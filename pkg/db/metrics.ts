import type { LogEvent } from "kysely";
import { CALL_SECONDS, codeOf, counter, gauge, histogram, type Metrics } from "../metrics/mod.ts";

/** Numbers of a database as one process sees it. */
export const DATABASE_METRICS = {
  seconds: histogram(
    "unkey_database_query_seconds",
    "Time of statements, with the wait for a connection.",
    CALL_SECONDS,
    [
      "statement",
    ],
  ),
  errors: counter("unkey_database_errors_total", "Statements that failed, by code.", ["code"]),
  connections: gauge(
    "unkey_database_connections",
    "Connections that are in use; max: as many there may be.",
    ["state"],
  ),
  waiting: gauge("unkey_database_waiting", "Statements that wait for a connection."),
};

export interface PoolUse {
  readonly used: number;
  readonly waiting: number;
  readonly max: number;
}

/** A driver replaces `read` when it opens its pool. */
export interface PoolReader {
  read: () => PoolUse;
}

const KINDS = new Set(["select", "insert", "update", "delete", "with"]);

/** Counts statements, and reads the pool before each scrape. The result goes to Kysely as its log. */
export function watchDatabase(metrics: Metrics, pool: PoolReader): (event: LogEvent) => void {
  const seconds = metrics.histogram(DATABASE_METRICS.seconds);
  const errors = metrics.counter(DATABASE_METRICS.errors);
  const connections = metrics.gauge(DATABASE_METRICS.connections);
  const waiting = metrics.gauge(DATABASE_METRICS.waiting);
  metrics.onScrape("database pool", () => {
    const use = pool.read();
    connections.set({ state: "used" }, use.used);
    connections.set({ state: "max" }, use.max);
    waiting.set({}, use.waiting);
  });
  return (event) => {
    seconds.observe({ statement: kindOf(event.query.sql) }, event.queryDurationMillis / 1_000);
    if (event.level === "error") errors.add({ code: codeOf(event.error) });
  };
}

function kindOf(sql: string): string {
  const word = sql.trimStart().slice(0, 6).trimEnd().toLowerCase();
  const kind = word.startsWith("with") ? "with" : word;
  return KINDS.has(kind) ? kind : "other";
}
