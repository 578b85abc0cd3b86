import assert from "node:assert/strict";
import { sql } from "kysely";
import { Secret } from "../../../../pkg/config/mod.ts";
import { openDatabase } from "../../../../pkg/db/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { SHARED_DATABASES } from "../../../../pkg/testkit/databases.ts";
import { MIGRATIONS } from "./migrations/mod.ts";
import { testOnCtrlDatabases } from "./testing.ts";
import { migrateCtrlDatabase, openCtrlDatabase, type Schema } from "./mod.ts";

const test = testOnCtrlDatabases();

test("many processes can migrate at once, and one does it", async (_db, url) => {
  const many = await Promise.all(Array.from({ length: 4 }, () => openDatabase<Schema>(url)));
  try {
    await Promise.all(many.map((db) => migrateCtrlDatabase(db, silentLogger())));
    const [first] = many;
    assert.ok(first !== undefined);
    await sql`drop table migrations`.execute(first.kysely);
    const done = await Promise.all(many.map((db) => migrateCtrlDatabase(db, silentLogger())));
    assert.deepEqual(
      done.flat(),
      MIGRATIONS.map(({ name }) => name),
      "also over tables that an interrupted start left behind",
    );
  } finally {
    for (const db of many) await db.close();
  }
}, SHARED_DATABASES);

test("tables from which a newer program removed what this one needs are refused", async (db, url) => {
  await sql`insert into migrations (name) values ('9999_drop_sizes_after_9998')`.execute(db.kysely);
  try {
    for (const migrate of [true, false]) {
      await assert.rejects(
        openCtrlDatabase(url, { migrate, log: silentLogger() }),
        (error) => isFault(error, "failed_precondition") && /newer version/.test(error.message),
      );
    }
  } finally {
    await sql`delete from migrations where name = '9999_drop_sizes_after_9998'`.execute(db.kysely);
  }
}, SHARED_DATABASES);

/** During an upgrade programs of two releases share the tables, and an operator can go back. */
test("tables to which a newer program added something are used", async (db, url) => {
  const added = ["9998_more", "9999_drop_sizes_after_0006"];
  for (const name of added) await sql`insert into migrations (name) values (${name})`.execute(db.kysely);
  try {
    for (const migrate of [true, false]) {
      await (await openCtrlDatabase(url, { migrate, log: silentLogger() })).close();
    }
  } finally {
    for (const name of added) await sql`delete from migrations where name = ${name}`.execute(db.kysely);
  }
}, SHARED_DATABASES);

Deno.test("openCtrlDatabase() without migrating refuses a database that lacks tables, and says what to do", async () => {
  await assert.rejects(
    openCtrlDatabase(new Secret("sqlite::memory:"), { migrate: false, log: silentLogger() }),
    (error) => isFault(error, "failed_precondition") && /unkey ctrl migrate/.test(error.message),
  );
});
