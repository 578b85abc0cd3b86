/** Statements that are asked for so often that the server should not read their text each time. */
import { CompiledQuery } from "kysely";

const PREPARED = new WeakSet<CompiledQuery>();

/**
 * A statement that MySQL parses once per connection. The server keeps each text as long as the connection lives, and all
 * of a server's connections share one bound, so there must be few texts. SQLite prepares every statement anyway.
 */
export function prepared(sql: string, parameters: readonly string[]): CompiledQuery {
  const query = CompiledQuery.raw(sql, [...parameters]);
  PREPARED.add(query);
  return query;
}

export function isPrepared(query: CompiledQuery): boolean {
  return PREPARED.has(query);
}
