import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { dropGradualOrder, findGradualOrder, insertGradualOrder } from "./mod.ts";
import { testOnCtrlDatabases } from "./testing.ts";
import { SWITCH_ROWS } from "./testing_rows_switches.ts";

const test = testOnCtrlDatabases();

test("an order of a deploy in steps is found by its deployment until it is dropped", async (db) => {
  const row = { ...SWITCH_ROWS.gradual_orders, deployment_id: `d_${crypto.randomUUID()}` };
  await transact(db, (tx) => insertGradualOrder(tx, row));
  assert.deepEqual(await findGradualOrder(db.kysely, row.deployment_id), row);
  for (let times = 0; times < 2; times++) await transact(db, (tx) => dropGradualOrder(tx, row.deployment_id));
  assert.equal(await findGradualOrder(db.kysely, row.deployment_id), undefined);
});
