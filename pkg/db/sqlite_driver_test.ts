import assert from "node:assert/strict";
import { join } from "node:path";
import { sql } from "kysely";
import { Secret } from "../config/mod.ts";
import { openDatabase } from "./mod.ts";

/** The file holds hashes of keys, sealed variables and what apps print. */
Deno.test("a SQLite file is for its owner only at each start, whatever made it", async () => {
  const folder = await Deno.makeTempDir({ prefix: "unkey-db-" });
  const path = join(folder, "unkey.db");
  try {
    for (const start of ["first", "second"]) {
      const db = await openDatabase<Record<never, never>>(new Secret(`sqlite://${path}`));
      await sql`create table if not exists rows (id integer)`.execute(db.kysely);
      for (const name of ["unkey.db", "unkey.db-wal", "unkey.db-shm"]) {
        const { mode } = await Deno.stat(join(folder, name));
        assert.equal((mode ?? 0) & 0o077, 0, `${name} at the ${start} start`);
      }
      await db.close();
      await Deno.chmod(path, 0o644);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
