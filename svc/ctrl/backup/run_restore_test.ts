import assert from "node:assert/strict";
import { join } from "node:path";
import { sql } from "kysely";
import { Secret } from "../../../pkg/config/mod.ts";
import { openDatabase, transact } from "../../../pkg/db/mod.ts";
import { isFault } from "../../../pkg/fault/mod.ts";
import { makeCertificate } from "../../../pkg/testkit/certificate.ts";
import { hasMysqlServer } from "../../../pkg/testkit/mariadb.ts";
import { PrivateMariadb } from "../../../pkg/testkit/private_mariadb.ts";
import {
  beginRestore,
  type CtrlDatabase,
  insertRows,
  migrateAt,
  newRestoreMark,
  openCtrlDatabase,
  readHistory,
  removeRestoreMark,
  type Schema,
} from "../internal/store/mod.ts";
import { ROWS } from "../internal/store/testing_rows.ts";
import { runBackup, runRestore } from "./run.ts";
import { backup, Bed, fill, type Kind, KINDS, picture, process } from "./testing.ts";

/** Runs `check` on each database. */
function test(name: string, check: (bed: Bed, kind: Kind) => Promise<void>): void {
  Deno.test(name, async (t) => {
    for (const kind of KINDS) {
      await t.step(kind, async () => {
        await using bed = new Bed();
        await check(bed, kind);
      });
    }
  });
}

async function assertRefused(work: Promise<unknown>, text: RegExp): Promise<void> {
  await assert.rejects(work, (error) => isFault(error, "failed_precondition") && text.test(error.message));
}

/** The database as a restore of `mark` has it that has begun, without its rows. */
async function begun(url: Secret, mark: string, work: (db: CtrlDatabase) => Promise<void>): Promise<void> {
  const db = await openDatabase<Schema>(url, { clock: process.clock });
  try {
    await beginRestore(db, mark);
    await migrateAt(url, process, { mark });
    await work(db);
  } finally {
    await db.close();
  }
}

test(
  "a restore that broke off leaves a database that no start takes, and the next restore fills it",
  async (bed, kind) => {
    const source = await bed.url(kind);
    const db = await bed.open(source);
    await fill(db);
    const folder = await backup(bed, source);
    const target = await bed.url(kind);
    const mark = newRestoreMark();
    await begun(target, mark, async (db) => {
      const rows = [{ ...ROWS.workspaces, id: "ws_half", slug: "half" }];
      await insertRows(db, { table: "workspaces", rows, mark });
    });
    for (const migrate of [true, false]) {
      const starting = openCtrlDatabase(target, { migrate, log: process.log });
      await assertRefused(starting, /has not ended.*Run "unkey ctrl restore" again/);
    }
    await assertRefused(migrateAt(target, process), /has not ended/);
    await assertRefused(
      runBackup({ databasePrimary: target }, join(await bed.folder(), "none"), process),
      /has not ended/,
    );
    await runRestore({ databasePrimary: target }, folder, process);
    assert.deepEqual(await picture(await bed.open(target)), await picture(db));
  },
);

test("a restore that another one has taken the database from writes nothing more", async (bed, kind) => {
  const target = await bed.url(kind);
  const [first, second] = [newRestoreMark(), newRestoreMark()];
  await begun(target, first, async (db) => {
    await begun(target, second, async () => {
      const rows = [{ ...ROWS.workspaces }];
      const another = /Another restore into this database has begun/;
      await assertRefused(insertRows(db, { table: "workspaces", rows, mark: first }), another);
      await assertRefused(transact(db, (tx) => removeRestoreMark(tx, first)), another);
      await assertRefused(migrateAt(target, process, { mark: first }), /has not ended/);
      await insertRows(db, { table: "workspaces", rows, mark: second });
    });
  });
});

test("a damaged backup changes nothing in the database", async (bed, kind) => {
  const source = await bed.url(kind);
  await fill(await bed.open(source));
  const folder = await backup(bed, source);
  // The last of the tables in order.
  await Deno.truncate(join(folder, "workspaces.ndjson.gz"), 20);
  const target = await bed.url(kind);
  await assertRefused(runRestore({ databasePrimary: target }, folder, process), /rows of workspaces/);
  const db = await openDatabase<Schema>(target);
  try {
    assert.deepEqual(await db.kysely.introspection.getTables(), []);
  } finally {
    await db.close();
  }
});

test("a backup of an older release ends deployments with the tables of this one", async (bed, kind) => {
  const source = await bed.url(kind);
  const db = await openDatabase<Schema>(source);
  try {
    const old = (await readHistory(db)).missing.slice(0, 5);
    await migrateAt(source, process, { mark: newRestoreMark(), wanted: old });
    const tables = await db.kysely.introspection.getTables();
    for (const [table, row] of Object.entries(ROWS)) {
      const columns = tables.find(({ name }) => name === table)?.columns.map(({ name }) => name) ?? [];
      const cells = Object.entries(row).filter(([name]) => columns.includes(name));
      if (table === "migrations" || cells.length === 0) continue;
      await sql`insert into ${sql.table(table)} (${sql.join(cells.map(([name]) => sql.ref(name)))})
        values (${sql.join(cells.map(([, value]) => value))})`.execute(db.kysely);
    }
    await sql`update deployments set status = 'building'`.execute(db.kysely);
    // The row has the largest version, which no change can follow.
    await sql`update region_versions set version = 1`.execute(db.kysely);
  } finally {
    await db.close();
  }
  const target = await bed.url(kind);
  const folder = await backup(bed, source);
  const { unfinished } = await runRestore({ databasePrimary: target }, folder, process);
  assert.equal(unfinished.length, 1);
  await bed.open(target);
});

test(
  "a restore counts the keys and tokens that are good, and revokes the tokens when it is asked to",
  async (bed, kind) => {
    const source = await bed.url(kind);
    const db = await bed.open(source);
    const key = (id: string, revoked: number | null) => ({
      ...{
        id,
        hash: id,
        workspace_id: "ws_1",
        name: "ci",
        start: "unkey_a",
        permissions: "[]",
        created_at: 1,
      },
      revoked_at: revoked,
    });
    const token = (id: string, region: string, revoked: number | null) => ({
      ...{ id, region, hash: id, networks: null, created_at: 1 },
      revoked_at: revoked,
    });
    await db.kysely.insertInto("root_keys").values([key("a", null), key("b", null), key("c", 5)]).execute();
    await db.kysely.insertInto("region_tokens")
      .values([token("a", "eu", null), token("b", "*", null), token("c", "us", null), token("d", "eu", 5)])
      .execute();
    const folder = await backup(bed, source);
    const counts = async (url: Secret, revokeRegionTokens: boolean) => {
      const restored = await runRestore({ databasePrimary: url, revokeRegionTokens }, folder, process);
      const { rootKeys, regionTokens, revokedRegionTokens } = restored;
      return { rootKeys, regionTokens, revokedRegionTokens };
    };
    assert.deepEqual(await counts(await bed.url(kind), false), {
      rootKeys: 2,
      regionTokens: 3,
      revokedRegionTokens: 0,
    });
    const target = await bed.url(kind);
    assert.deepEqual(await counts(target, true), { rootKeys: 2, regionTokens: 0, revokedRegionTokens: 3 });
    const restored = await bed.open(target);
    const tokens = await restored.kysely.selectFrom("region_tokens").select("revoked_at").orderBy("id")
      .execute();
    assert.ok(tokens.slice(0, 3).every(({ revoked_at }) => (revoked_at ?? 0) > 5));
    assert.equal(tokens[3]?.revoked_at, 5, "a revocation keeps its time");
    const acts = await restored.kysely.selectFrom("audit_log").select(["actor_name", "action"]).execute();
    assert.deepEqual(acts, Array(3).fill({ actor_name: "restore", action: "region_token.revoke" }));
  },
);

Deno.test({
  name: "backup and restore take the authority of the database's certificate from the settings",
  ignore: !hasMysqlServer(),
  fn: async () => {
    await using bed = new Bed();
    const { authority, certificate, privateKey } = await makeCertificate(await bed.folder(), [
      "IP:127.0.0.1",
    ]);
    await using server = await PrivateMariadb.start([`--ssl-cert=${certificate}`, `--ssl-key=${privateKey}`]);
    const place = async (name: string) => {
      await server.administrate(`create database ${name}`);
      const url = new Secret(`mysql://root@127.0.0.1:${server.port}/${name}?tls=true`);
      return { databasePrimary: url, databaseCaFile: authority };
    };
    const [source, target] = [await place("source"), await place("target")];
    const authorities = await Deno.readTextFile(authority);
    const open = { migrate: true, log: process.log, authorities };
    await using stack = new AsyncDisposableStack();
    const db = await openCtrlDatabase(source.databasePrimary, open);
    stack.defer(() => db.close());
    await fill(db);
    const folder = join(await bed.folder(), "backup");
    await runBackup(source, folder, process);
    await runRestore(target, folder, process);
    const restored = await openCtrlDatabase(target.databasePrimary, open);
    stack.defer(() => restored.close());
    assert.deepEqual(await picture(restored), await picture(db));
  },
});
