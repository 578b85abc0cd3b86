import assert from "node:assert/strict";
import { sql } from "kysely";
import { Secret } from "../config/mod.ts";
import { testMetrics } from "../metrics/testing.ts";
import { openDatabase, transact } from "./mod.ts";

interface Tables {
  things: { name: string };
}

Deno.test("statements are timed by their kind, and failures counted by code", async () => {
  using test = await testMetrics();
  const db = await openDatabase<Tables>(new Secret("sqlite::memory:"), { metrics: test.metrics });
  try {
    await db.kysely.schema.createTable("things").addColumn("name", "text", (column) => column.primaryKey())
      .execute();
    await db.kysely.insertInto("things").values({ name: "a" }).execute();
    await db.kysely.selectFrom("things").selectAll().execute();
    await assert.rejects(db.kysely.insertInto("things").values({ name: "a" }).execute());
    await sql`  WITH one AS (SELECT 1) SELECT * FROM one`.execute(db.kysely);
  } finally {
    await db.close();
  }
  assert.deepEqual(await test.read("unkey_database_query_seconds_count"), {
    'statement="other"': 1,
    'statement="insert"': 2,
    'statement="select"': 1,
    'statement="with"': 1,
  });
  assert.deepEqual(await test.read("unkey_database_errors_total"), { 'code="already_exists"': 1 });
});

Deno.test("a scrape shows the connections that are in use, and the statements that wait for one", async () => {
  using test = await testMetrics();
  const db = await openDatabase<Tables>(new Secret("sqlite::memory:"), { metrics: test.metrics });
  try {
    await db.kysely.schema.createTable("things").addColumn("name", "text").execute();
    await transact(db, async (tx) => {
      await tx.insertInto("things").values({ name: "a" }).execute();
      assert.equal((await test.read("unkey_database_connections"))['state="used"'], 1);
      assert.deepEqual(await test.read("unkey_database_waiting"), { "": 0 });
    });
    assert.equal((await test.read("unkey_database_connections"))['state="used"'], 0);
  } finally {
    await db.close();
  }
});

Deno.test("a statement that waits for the writer is shown as waiting", async () => {
  using test = await testMetrics();
  const db = await openDatabase<Tables>(new Secret("sqlite::memory:"), { metrics: test.metrics });
  try {
    await db.kysely.schema.createTable("things").addColumn("name", "text").execute();
    const begun = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const first = transact(db, async (tx) => {
      await tx.insertInto("things").values({ name: "a" }).execute();
      begun.resolve();
      await held.promise;
    });
    await begun.promise;
    const second = db.kysely.insertInto("things").values({ name: "b" }).execute();
    const deadline = performance.now() + 60_000;
    while ((await test.read("unkey_database_waiting"))[""] !== 1) {
      assert.ok(performance.now() < deadline, "the second statement waits");
    }
    held.resolve();
    await Promise.all([first, second]);
    assert.deepEqual(await test.read("unkey_database_waiting"), { "": 0 });
  } finally {
    await db.close();
  }
});
