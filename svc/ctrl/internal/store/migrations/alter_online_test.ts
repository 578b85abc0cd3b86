/** Tables are in use while they are migrated: no migration copies one, locks one, or writes all its rows. */
import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { Secret } from "../../../../../pkg/config/mod.ts";
import { openDatabase } from "../../../../../pkg/db/mod.ts";
import { hasMysqlServer } from "../../../../../pkg/testkit/mariadb.ts";
import { PrivateMariadb } from "../../../../../pkg/testkit/private_mariadb.ts";
import type { Schema } from "../schema.ts";
import { addColumns, addIndex } from "./alter.ts";
import { MIGRATIONS } from "./mod.ts";
import { integerOrZero } from "./table.ts";

/** Migrations from before this rule whose forms are known: their tables were new or small. */
const EARLIER: Readonly<Record<string, RegExp>> = {
  "0003_log_blocks": /^drop table if exists instance_logs$/,
  "0016_first_requests": /^insert into `deployment_requests`/,
};

/** The statement's way of holding up others, or nothing. */
function problemOf(statement: string, fresh: ReadonlySet<string>): string | undefined {
  const text = statement.replaceAll(/[`\s]+/g, " ").trim().toLowerCase();
  const table =
    /^(?:alter table|drop table(?: if exists)?|update|delete from|insert into|create (?:unique )?index \w+ on) (\w+)/
      .exec(text)?.[1] ?? "";
  if (/^(select|set|create table|show)\b/.test(text) || fresh.has(table) || table === "migrations") return;
  if (text.startsWith("alter table")) {
    return /algorithm = instant$/.test(text) ? undefined : "changes a table without algorithm = instant";
  }
  if (text.startsWith("create")) {
    return /algorithm = inplace lock = none$/.test(text)
      ? undefined
      : "makes an index while the table is locked";
  }
  if (/^(update|delete|insert)/.test(text)) return "writes rows of a table that may have millions";
  return "is of no form that is known to be online";
}

Deno.test("problemOf() finds statements that copy, lock or rewrite a table", () => {
  const fresh = new Set(["made_here"]);
  const fine = [
    "alter table deployments add column a bigint null, algorithm = instant",
    "create index d_a on deployments (a) algorithm = inplace lock = none",
    "create table if not exists t (id bigint)",
    "create index made_here_a on made_here (a)",
    "update made_here set a = 1",
    "select column_name from information_schema.columns",
  ];
  for (const text of fine) assert.equal(problemOf(text, fresh), undefined, text);
  const wrong = [
    "alter table deployments add column a bigint null",
    "alter table deployments modify column a varchar(9), algorithm = copy",
    "create index d_a on deployments (a)",
    "create unique index d_a on deployments (a) algorithm = inplace",
    "update `deployments` set a = 1",
    "delete from deployments where a = 1",
    "rename table deployments to d",
  ];
  for (const text of wrong) assert.notEqual(problemOf(text, fresh), undefined, text);
});

Deno.test({
  name: "each migration leaves the tables of those before it in use",
  ignore: !hasMysqlServer(),
  fn: async (t) => {
    await using server = await PrivateMariadb.start(["--log-output=TABLE", "--general-log"]);
    await server.administrate("create database unkey character set utf8mb4 collate utf8mb4_bin");
    const db = await openDatabase<Schema>(server.url("unkey"), { connectionsMax: 1 });
    try {
      for (const migration of MIGRATIONS) {
        await t.step(migration.name, async () => {
          const statements = await logged(server, () => migration.up(db.kysely));
          const fresh = new Set(
            statements.flatMap((each) => /^create table if not exists `?(\w+)/i.exec(each)?.[1] ?? []),
          );
          const problems = statements.flatMap((each) => {
            const problem = problemOf(each, fresh);
            return problem === undefined || EARLIER[migration.name]?.test(each)
              ? []
              : [`${problem}: ${each}`];
          });
          assert.deepEqual(problems, []);
        });
      }
      await t.step(
        "a change gives up the lock for a transaction that is open, and comes again",
        () => waits(db.kysely, server),
      );
    } finally {
      await db.close();
    }
  },
});

/** The statements of other connections than the administrator's, while `act` runs. */
async function logged(server: PrivateMariadb, act: () => Promise<void>): Promise<readonly string[]> {
  await server.administrate("truncate mysql.general_log");
  await act();
  const rows = await server.administrate(
    "select convert(argument using utf8mb4) as text from mysql.general_log where command_type = 'Query'",
  );
  assert.ok(Array.isArray(rows));
  return rows.map((row) => String(row.text)).filter((text) =>
    !/general_log|^select 1$|^set session (transaction|sql_mode)/i.test(text)
  );
}

/** A statement that waits for a lock holds up all that come after it. */
async function waits(db: Kysely<Schema>, server: PrivateMariadb): Promise<void> {
  const other = await openDatabase<Schema>(new Secret(server.url("unkey").reveal()), { connectionsMax: 2 });
  try {
    const holds = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const holder = other.kysely.transaction().execute(async (tx) => {
      await tx.selectFrom("workspaces").select("id").execute();
      holds.resolve();
      await release.promise;
    });
    await holds.promise;
    const change = addColumns(db, "workspaces", { tried: integerOrZero() })
      .then(() => addIndex(db, "workspaces", ["tried"]));
    // Behind the change that waits, this read waits too, until the change gives up.
    for (let reads = 0; reads < 3; reads++) {
      await other.kysely.selectFrom("workspaces").select("id").execute();
    }
    release.resolve();
    await holder;
    await change;
    await sql`alter table workspaces drop column tried`.execute(db);
  } finally {
    await other.close();
  }
}
