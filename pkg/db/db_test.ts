import assert from "node:assert/strict";
import { sql } from "kysely";
import { Secret } from "../config/mod.ts";
import { describeError, Fault, isFault } from "../fault/mod.ts";
import { SHARED_DATABASES, testOnDatabases } from "../testkit/databases.ts";
import {
  insertIgnore,
  lockRows,
  openDatabase,
  ping,
  prepared,
  readConsistently,
  transact,
  upsert,
} from "./mod.ts";

interface Tables {
  counters: { name: string; owner: string; value: number };
}

const test = testOnDatabases<Tables>({
  async migrate(db) {
    await db.kysely.schema.createTable("counters").ifNotExists()
      .addColumn("name", "varchar(64)", (column) => column.primaryKey())
      .addColumn("owner", "varchar(64)", (column) => column.notNull())
      .addColumn("value", "bigint", (column) => column.notNull())
      .execute();
    await db.kysely.deleteFrom("counters").execute();
  },
});

const FAR = Number.MAX_SAFE_INTEGER;

test("integers up to 2^53 come back as the same numbers", async (db) => {
  await db.kysely.insertInto("counters").values({ name: "far", owner: "a", value: FAR }).execute();
  assert.deepEqual(await db.kysely.selectFrom("counters").selectAll().execute(), [
    { name: "far", owner: "a", value: FAR },
  ]);
  const { count } = await db.kysely.selectFrom("counters")
    .select((eb) => eb.fn.countAll<number>().as("count")).executeTakeFirstOrThrow();
  assert.equal(count, 1);
});

test("names compare bytewise", async (db) => {
  for (const name of ["a", "A", "\u00e4"]) {
    await db.kysely.insertInto("counters").values({ name, owner: "x", value: 1 }).execute();
  }
  const rows = await db.kysely.selectFrom("counters").select("name").where("name", "=", "A").execute();
  assert.deepEqual(rows, [{ name: "A" }]);
});

test("an update says how many rows it found, also when it changed none of them", async (db) => {
  await db.kysely.insertInto("counters").values({ name: "a", owner: "x", value: 1 }).execute();
  const update = (name: string) =>
    db.kysely.updateTable("counters").set({ value: 1 }).where("name", "=", name).executeTakeFirst();
  assert.equal((await update("a")).numUpdatedRows, 1n);
  assert.equal((await update("b")).numUpdatedRows, 0n);
});

test("transact() commits all or nothing, and a broken unique key is already_exists", async (db) => {
  const add = (name: string) => ({ name, owner: "x", value: 1 });
  await assert.rejects(
    transact(db, async (tx) => {
      await tx.insertInto("counters").values(add("one")).execute();
      await tx.insertInto("counters").values(add("one")).execute();
    }),
    (error) => isFault(error, "already_exists"),
  );
  assert.deepEqual(await db.kysely.selectFrom("counters").selectAll().execute(), []);
  await transact(db, (tx) => tx.insertInto("counters").values([add("one"), add("two")]).execute());
  assert.equal((await db.kysely.selectFrom("counters").selectAll().execute()).length, 2);
});

/** Without the lock, increments get lost; without the repetition, deadlocks reach the caller. */
test("transact() survives conflicts of many writers that lock rows in any order", async (db) => {
  const names = ["a", "b", "c"];
  for (const name of names) {
    await db.kysely.insertInto("counters").values({ name, owner: "x", value: 0 }).execute();
  }
  const writers = Array.from({ length: 30 }, (_, writer) =>
    transact(db, async (tx) => {
      const order = writer % 2 === 0 ? names : names.toReversed();
      for (const name of order) {
        const query = lockRows(tx, tx.selectFrom("counters").select("value").where("name", "=", name));
        const { value } = await query.executeTakeFirstOrThrow();
        await tx.updateTable("counters").set({ value: value + 1 }).where("name", "=", name).execute();
      }
    }));
  await Promise.all(writers);
  const rows = await db.kysely.selectFrom("counters").select(["name", "value"]).orderBy("name").execute();
  assert.deepEqual(rows, names.map((name) => ({ name, value: 30 })));
});

test("the database is refused inside its own open transaction, and works again after it", async (db) => {
  await assert.rejects(
    transact(db, () => db.kysely.selectFrom("counters").selectAll().execute()),
    (error) => isFault(error, "internal") && /inside its own open transaction/.test(error.message),
  );
  await assert.rejects(
    transact(db, () => transact(db, () => Promise.resolve(1))),
    (error) => isFault(error, "internal"),
  );
  assert.deepEqual(await db.kysely.selectFrom("counters").selectAll().execute(), []);
});

test("an open transaction is invisible to others until it commits", async (db) => {
  const written = Promise.withResolvers<void>();
  const commit = Promise.withResolvers<void>();
  const writer = transact(db, async (tx) => {
    await tx.insertInto("counters").values({ name: "new", owner: "x", value: 1 }).execute();
    written.resolve();
    await commit.promise;
  });
  await written.promise;
  assert.deepEqual(await db.kysely.selectFrom("counters").selectAll().execute(), []);
  commit.resolve();
  await writer;
  assert.equal((await db.kysely.selectFrom("counters").selectAll().execute()).length, 1);
}, SHARED_DATABASES);

test("readConsistently() sees one moment while others write", async (db) => {
  await db.kysely.insertInto("counters").values({ name: "a", owner: "x", value: 1 }).execute();
  const started = Promise.withResolvers<void>();
  const changed = Promise.withResolvers<void>();
  const reading = readConsistently(db, async (tx) => {
    const read = () => tx.selectFrom("counters").select("value").executeTakeFirstOrThrow();
    const before = await read();
    started.resolve();
    await changed.promise;
    return [before.value, (await read()).value];
  });
  await started.promise;
  await db.kysely.updateTable("counters").set({ value: 2 }).execute();
  changed.resolve();
  assert.deepEqual(await reading, [1, 1]);
  await assert.rejects(
    readConsistently(db, (tx) => tx.deleteFrom("counters").execute()),
    (error) => error instanceof Fault,
  );
}, SHARED_DATABASES);

test("the statements work in a transaction too", async (db) => {
  await transact(db, async (tx) => {
    await insertIgnore(tx, "counters", [{ name: "a", owner: "x", value: 1 }], ["name"]);
    await upsert(tx, "counters", [{ name: "a", owner: "x", value: 2 }], { key: ["name"], update: ["value"] });
  });
  assert.deepEqual(await db.kysely.selectFrom("counters").select("value").execute(), [{ value: 2 }]);
});

test("insertIgnore() keeps existing rows, upsert() overwrites the named columns", async (db) => {
  const rows = async () => await db.kysely.selectFrom("counters").selectAll().orderBy("name").execute();
  await insertIgnore(db.kysely, "counters", [{ name: "a", owner: "first", value: 1 }], ["name"]);
  await insertIgnore(db.kysely, "counters", [
    { name: "a", owner: "second", value: 2 },
    { name: "b", owner: "second", value: 2 },
  ], ["name"]);
  assert.deepEqual(await rows(), [
    { name: "a", owner: "first", value: 1 },
    { name: "b", owner: "second", value: 2 },
  ]);
  await upsert(db.kysely, "counters", [
    { name: "b", owner: "third", value: 3 },
    { name: "c", owner: "third", value: 3 },
  ], { key: ["name"], update: ["value"] });
  assert.deepEqual((await rows()).slice(1), [
    { name: "b", owner: "second", value: 3 },
    { name: "c", owner: "third", value: 3 },
  ]);
  await upsert(db.kysely, "counters", [], { key: ["name"], update: ["value"] });
});

test("insertIgnore() takes thousands of rows and still refuses rows that do not fit", async (db) => {
  const rows = Array.from({ length: 4_000 }, (_, n) => ({ name: `n${n}`, owner: "x", value: n }));
  await insertIgnore(db.kysely, "counters", rows, ["name"]);
  await insertIgnore(db.kysely, "counters", rows, ["name"]);
  const { count } = await db.kysely.selectFrom("counters")
    .select((eb) => eb.fn.countAll<number>().as("count")).executeTakeFirstOrThrow();
  assert.equal(count, 4_000);
  await assert.rejects(
    sql`insert into counters (name, owner, value) values ('y', null, 1)`.execute(db.kysely),
    (error) => isFault(error, "internal"),
  );
});

test("ping() answers, and rejects at once when its signal aborts", async (db) => {
  await ping(db);
  const reason = new Error("enough");
  await assert.rejects(ping(db, AbortSignal.abort(reason)), reason);
});

Deno.test("a server that is not there is unavailable, and no text holds the password", async () => {
  const db = await openDatabase<Tables>(new Secret("mysql://someone:hunter2@127.0.0.1:1/unkey"));
  try {
    await assert.rejects(ping(db), (error) => {
      assert.ok(isFault(error, "unavailable"));
      assert.doesNotMatch(`${describeError(error)} ${error.publicMessage} ${error.stack}`, /hunter2/);
      return true;
    });
  } finally {
    await db.close();
  }
});

Deno.test("openDatabase() refuses a URL of another form without quoting it", async () => {
  for (
    const url of [
      "postgres://u:hunter2@h/db",
      "mysql://u:hunter2@h",
      "mysql://u:hunter2@h:99999/db",
      "mysql://u:hunter2@h/db?ssl=hunter2",
      "sqlite:",
      "",
    ]
  ) {
    await assert.rejects(openDatabase(new Secret(url)), (error) => {
      assert.ok(isFault(error, "invalid_argument"), url);
      assert.doesNotMatch(`${error.message}${error.stack}`, /hunter2/);
      return true;
    });
  }
});

test("a prepared statement gives what the same text gives, and a wrong one leaves the connection usable", async (db) => {
  const wide = "\u{1f600} \u00e4";
  await db.kysely.insertInto("counters").values([
    { name: "far", owner: wide, value: FAR },
    { name: "low", owner: "", value: -1 },
  ]).execute();
  const text = "select name, owner, value, null as absent from counters where name in (?, ?) order by name";
  const ask = async (...names: string[]) => (await db.kysely.executeQuery(prepared(text, names))).rows;
  for (let repeated = 0; repeated < 3; repeated++) {
    assert.deepEqual((await ask("far", "low")).map((row) => ({ ...row as object })), [
      { name: "far", owner: wide, value: FAR, absent: null },
      { name: "low", owner: "", value: -1, absent: null },
    ]);
    assert.deepEqual(await ask("none", "none"), []);
    await assert.rejects(
      db.kysely.executeQuery(prepared("select 1 from nowhere", [])),
      (error) => isFault(error, "internal"),
    );
  }
});
