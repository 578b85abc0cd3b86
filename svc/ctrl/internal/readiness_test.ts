import assert from "node:assert/strict";
import { sql } from "kysely";
import { Secret } from "../../../pkg/config/mod.ts";
import { silentLogger } from "../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../pkg/testkit/manual_clock.ts";
import { Readiness } from "./readiness.ts";
import { type CtrlDatabase, openCtrlDatabase } from "./store/mod.ts";

async function withDatabase(test: (db: CtrlDatabase) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-readiness-" });
  const log = silentLogger();
  const db = await openCtrlDatabase(new Secret(`sqlite://${folder}/unkey.db`), { migrate: true, log });
  try {
    await test(db);
  } finally {
    await db.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Such a database still answers queries, and a part that counted as ready would take work that it cannot do. */
Deno.test("a part is not ready while its database takes no writes, and ready when it does again", () =>
  withDatabase(async (db) => {
    const clock = new ManualClock();
    const readiness = new Readiness({ db, clock, log: silentLogger(), part: "api" });
    assert.equal(await readiness.isReady(), true);
    await sql.raw("pragma query_only = on").execute(db.kysely);
    await sql`select 1`.execute(db.kysely);
    await clock.advance(1_000);
    assert.equal(await readiness.isReady(), false);
    await sql.raw("pragma query_only = off").execute(db.kysely);
    await clock.advance(1_000);
    assert.equal(await readiness.isReady(), true);
  }));

Deno.test("strangers that ask for readiness cost one write a second", () =>
  withDatabase(async (db) => {
    const clock = new ManualClock();
    const readiness = new Readiness({ db, clock, log: silentLogger(), part: "api" });
    const probes = () => db.kysely.selectFrom("write_probes").selectAll().execute();
    await readiness.isReady();
    assert.equal((await probes()).length, 1);
    await db.kysely.deleteFrom("write_probes").execute();
    await Promise.all(Array.from({ length: 100 }, () => readiness.isReady()));
    assert.deepEqual(await probes(), [], "the answer of the first one is kept");
    await clock.advance(1_000);
    await readiness.isReady();
    assert.equal((await probes()).length, 1);
  }));
