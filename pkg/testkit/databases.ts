/** Runs one test on every database that the project supports. */
import { type Database, openDatabase } from "../db/mod.ts";
import { Secret } from "../config/mod.ts";
import { hasMysqlServer, mysqlServer, type TestSchema } from "./mariadb.ts";

/** How a test's databases are prepared. */
export interface OnDatabases<S> {
  /** Makes the tables in a fresh database; runs once per file on MySQL and once per test on SQLite. */
  readonly migrate: (db: Database<S>) => Promise<void>;
}

/** Registers `name` three times: on SQLite in memory, on SQLite in a file, and on a MySQL-compatible server. */
export type TestOnDatabases<S> = (name: string, fn: (db: Database<S>, url: Secret) => Promise<void>) => void;

/**
 * A function that registers tests. On MySQL all tests of the file share one database, so they use ids of their own;
 * where no server is installed, those tests are reported as ignored.
 */
export function testOnDatabases<S>(options: OnDatabases<S>): TestOnDatabases<S> {
  let schema: TestSchema | undefined;
  // Before all tests, because the server outlives the test that would start it.
  Deno.test.beforeAll(async () => void (schema = await (await mysqlServer())?.createSchema()));
  Deno.test.afterAll(async () => await schema?.drop());
  return (name, fn) => {
    Deno.test(`${name} (SQLite in memory)`, () => use(new Secret("sqlite::memory:"), options, fn));
    Deno.test(`${name} (SQLite in a file)`, async () => {
      const folder = await Deno.makeTempDir({ prefix: "unkey-test-sqlite-" });
      try {
        await use(new Secret(`sqlite://${folder}/test.db`), options, fn);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    });
    Deno.test(`${name} (MySQL)`, { ignore: !hasMysqlServer() }, async () => {
      if (schema === undefined) throw new Error("no MySQL-compatible server is installed");
      await use(schema.url, options, fn);
    });
  };
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
