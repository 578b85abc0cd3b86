import assert from "node:assert/strict";
import { sql } from "kysely";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { testOnCtrlDatabases } from "./testing.ts";
import { FAR, ROWS } from "./testing_rows.ts";
import type { CtrlDatabase, Schema } from "./mod.ts";

const test = testOnCtrlDatabases();

test("every table has exactly the columns of its type", async (db) => {
  for (const [table, row] of Object.entries(ROWS)) {
    // The keys of ROWS are the tables.
    const name = table as keyof Schema;
    await db.kysely.deleteFrom(name).execute();
    await insertRow(db, name, row);
    const read = await db.kysely.selectFrom(name).selectAll().execute();
    assert.deepEqual(read.map(plain), [plain(row)], table);
    await db.kysely.deleteFrom(name).execute();
  }
});

/** The drivers have classes of their own for bytes. */
function plain(row: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value instanceof Uint8Array ? [...value] : value]),
  );
}

async function insertRow(db: CtrlDatabase, table: keyof Schema, row: object): Promise<void> {
  const cells = Object.entries(row);
  await sql`insert into ${sql.table(table)} (${sql.join(cells.map(([name]) => sql.ref(name)))})
    values (${sql.join(cells.map(([, value]) => value))})`.execute(db.kysely);
}

test("what must be unique is", async (db) => {
  const twice = async <T extends keyof Schema>(
    table: T,
    ...changes: Partial<Schema[T]>[]
  ): Promise<boolean[]> => {
    const outcomes: boolean[] = [];
    for (const change of [{}, ...changes]) {
      outcomes.push(
        await insertRow(db, table, { ...ROWS[table], ...change }).then(() => true, (error: unknown) => {
          if (isFault(error, "already_exists")) return false;
          throw error;
        }),
      );
    }
    await db.kysely.deleteFrom(table).execute();
    return outcomes;
  };
  const deployment = { id: "d2", k8s_name: "k2", sequence: 2, idempotency_key: "twice" };
  assert.deepEqual(
    await twice(
      "deployments",
      { ...deployment, k8s_name: "k" },
      { ...deployment, sequence: 1 },
      { ...deployment, idempotency_key: "once" },
      { ...deployment, idempotency_key: null },
      { ...deployment, id: "d3", k8s_name: "k3", sequence: 3, idempotency_key: null },
    ),
    [true, false, false, false, true, true],
  );
  assert.deepEqual(await twice("workspaces", { id: "w2", k8s_namespace: null }), [true, false]);
  assert.deepEqual(await twice("projects", { id: "p2" }, { id: "p2", workspace_id: "w2" }), [
    true,
    false,
    true,
  ]);
  assert.deepEqual(await twice("environments", { id: "e2" }, { id: "e2", project_id: "p2" }), [
    true,
    false,
    true,
  ]);
  assert.deepEqual(await twice("environment_variables", { id: "v2" }), [true, false]);
  assert.deepEqual(
    await twice("registry_credentials", { username: "v" }, { host: "docker.io" }, { workspace_id: "w2" }),
    [true, false, true, true],
  );
  assert.deepEqual(await twice("root_keys", { id: "rk2" }), [true, false]);
  assert.deepEqual(await twice("region_tokens", { id: "rt2" }), [true, false]);
  assert.deepEqual(await twice("frontline_routes", { id: "r2", environment_id: "e2" }), [true, false]);
  const apart = { id: "se2", k8s_name: "s2", environment_id: "e2", version: 2, token_hash: "x" };
  assert.deepEqual(
    await twice(
      "sentinels",
      { ...apart, k8s_name: "sentinel" },
      { ...apart, environment_id: "e" },
      { ...apart, version: FAR },
      { ...apart, token_hash: "b".repeat(64) },
      apart,
    ),
    [true, false, false, false, false, true],
  );
  assert.deepEqual(await twice("instances", { id: "i2" }, { id: "i2", region: "far" }), [true, false, true]);
  assert.deepEqual(await twice("deployment_topology", { deployment_id: "d2" }), [true, false]);
});
