import assert from "node:assert/strict";
import { sql } from "kysely";
import { testOnCtrlDatabases } from "../testing.ts";
import { addColumns, addIndex } from "./alter.ts";
import { createTable, integer, integerOrZero, text } from "./table.ts";

const test = testOnCtrlDatabases();

test("addColumns() and addIndex() may run again after an interruption", async ({ kysely }) => {
  const name = `altered_${crypto.randomUUID().replaceAll("-", "")}`;
  await createTable(kysely, { name, columns: { id: text(16), a: integer() }, primaryKey: ["id"] });
  try {
    await sql`insert into ${sql.table(name)} (id, a) values (${"x"}, 1)`.execute(kysely);
    await addColumns(kysely, name, { b: integerOrZero() });
    for (let runs = 0; runs < 2; runs++) {
      await addColumns(kysely, name, { b: integerOrZero(), c: integerOrZero() });
      await addIndex(kysely, name, ["b", "c"]);
    }
    const { rows } = await sql`select * from ${sql.table(name)}`.execute(kysely);
    assert.deepEqual(rows.map((row) => Object.assign({}, row)), [{ id: "x", a: 1, b: 0, c: 0 }]);
  } finally {
    await sql`drop table ${sql.table(name)}`.execute(kysely);
  }
});
