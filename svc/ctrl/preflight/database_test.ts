import assert from "node:assert/strict";
import { sql } from "kysely";
import { systemClock } from "../../../pkg/clock/mod.ts";
import { Secret } from "../../../pkg/config/mod.ts";
import { openDatabase } from "../../../pkg/db/mod.ts";
import { SHARED_DATABASES } from "../../../pkg/testkit/databases.ts";
import { testOnCtrlDatabases } from "../internal/store/testing.ts";
import { type Schema } from "../internal/store/mod.ts";
import { databaseClock, databaseProbe } from "./database.ts";

const { signal } = new AbortController();
const clock = systemClock();
const test = testOnCtrlDatabases();

test("a database that is up to date takes writes, and keeps none of the probe", async (db, url) => {
  const { outcome, text } = await databaseProbe({ databasePrimary: url, migrate: true }, clock).ask(signal);
  assert.equal(outcome, "ok", text);
  assert.match(text, /^(MySQL|SQLite) \d+\..* answers and takes writes; its tables are up to date\.$/);
  const probes = await db.kysely.selectFrom("write_probes").selectAll().where("part", "=", "preflight")
    .execute();
  assert.deepEqual(probes, []);
  const theirs = await databaseClock({ databasePrimary: url, migrate: true }, clock).read(signal);
  if (db.dialect === "mysql") assert.ok(Math.abs((theirs ?? 0) - clock.now()) < 60_000, String(theirs));
  else assert.equal(theirs, undefined);
}, SHARED_DATABASES);

Deno.test("a SQLite file without tables, without a migration, or without a folder", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "unkey-preflight-db-" });
  const url = new Secret(`sqlite://${folder}/ctrl.db`);
  const look = async (migrate: boolean, at = url): Promise<string> => {
    const { outcome, text, advice } = await databaseProbe({ databasePrimary: at, migrate }, clock).ask(
      signal,
    );
    return [outcome, text, advice].join(" ");
  };
  try {
    await t.step("no file, and none afterwards", async () => {
      assert.match(await look(true), /^ok The SQLite file will be made/);
      assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
    });
    await t.step("no folder that can be written", async () => {
      assert.match(
        await look(true, new Secret("sqlite:///proc/none/ctrl.db")),
        /^failed .*UNKEY_DATABASE_PRIMARY/,
      );
    });
    await t.step("no tables", async () => {
      const db = await openDatabase<Schema>(url);
      await sql`create table migrations (name varchar(128) not null primary key)`.execute(db.kysely);
      await db.close();
      assert.match(await look(true), /^ok SQLite .* tables will be made/);
      assert.match(await look(false), /^failed .* lack \d+ migrations\. Run "unkey ctrl migrate"/);
    });
    await t.step("a missing migration", async () => {
      const db = await openDatabase<Schema>(url);
      await sql`insert into migrations (name) values ('0001_base')`.execute(db.kysely);
      await db.close();
      assert.match(await look(true), /^ok .* \d+ migrations will be applied/);
    });
    await t.step("tables from which a newer program removed something", async () => {
      const db = await openDatabase<Schema>(url);
      await sql`insert into migrations (name) values ('9999_drop_after_9998')`.execute(db.kysely);
      await db.close();
      await assert.rejects(look(true), /newer version of unkey/);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
