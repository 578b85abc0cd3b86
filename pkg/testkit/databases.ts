/** Runs one test on every database that the project supports. */
import { type Database, openDatabase } from "../db/mod.ts";
import { Secret } from "../config/mod.ts";
import { hasMysqlServer, mysqlServer, type TestSchema } from "./mariadb.ts";

export interface OnDatabases<S> {
  /** Makes the tables in a fresh database; runs once per file on MySQL and once per test on SQLite. */
  readonly migrate: (db: Database<S>) => Promise<void>;
}

/** A database that the project supports, as a test's name shows it. */
export type DatabaseKind = "SQLite in memory" | "SQLite in a file" | "MySQL";

const KINDS: readonly DatabaseKind[] = ["SQLite in memory", "SQLite in a file", "MySQL"];

/** Several connections can be open to these at once; a database in memory belongs to one connection. */
export const SHARED_DATABASES: readonly DatabaseKind[] = ["SQLite in a file", "MySQL"];

/** Registers `name` once per database: on all of them, or on `kinds` where the others cannot show the behaviour. */
export type TestOnDatabases<S> = (
  name: string,
  fn: (db: Database<S>, url: Secret) => Promise<void>,
  kinds?: readonly DatabaseKind[],
) => void;

/**
 * A function that registers tests. On MySQL all tests of the file share one database, so they use ids of their own;
 * where no server is installed, those tests are reported as ignored.
 */
export function testOnDatabases<S>(options: OnDatabases<S>): TestOnDatabases<S> {
  let schema: TestSchema | undefined;
  // Before all tests, because the server outlives the test that would start it.
  Deno.test.beforeAll(async () => void (schema = await (await mysqlServer())?.createSchema()));
  Deno.test.afterAll(async () => await schema?.drop());
  return (name, fn, kinds = KINDS) => {
    for (const kind of kinds) {
      Deno.test(`${name} (${kind})`, { ignore: kind === "MySQL" && !hasMysqlServer() }, async () => {
        await withUrl(kind, schema, (url) => use(url, options, fn));
      });
    }
  };
}

async function withUrl(
  kind: DatabaseKind,
  schema: TestSchema | undefined,
  run: (url: Secret) => Promise<void>,
): Promise<void> {
  if (kind === "SQLite in memory") return await run(new Secret("sqlite::memory:"));
  if (kind === "MySQL") {
    if (schema === undefined) throw new Error("no MySQL-compatible server is installed");
    return await run(schema.url);
  }
  const folder = await Deno.makeTempDir({ prefix: "unkey-test-sqlite-" });
  try {
    await run(new Secret(`sqlite://${folder}/test.db`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function use<S>(
  url: Secret,
  options: OnDatabases<S>,
  fn: (db: Database<S>, url: Secret) => Promise<void>,
): Promise<void> {
  const db = await openDatabase<S>(url);
  try {
    await options.migrate(db);
    await fn(db, url);
  } finally {
    await db.close();
  }
}
