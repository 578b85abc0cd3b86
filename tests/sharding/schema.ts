/** The tables as the migrations make them on MariaDB. */
import { silentLogger } from "../../pkg/logger/mod.ts";
import { mysqlServer, type TestMysqlServer } from "../../pkg/testkit/mariadb.ts";
import { migrateAt } from "../../svc/ctrl/internal/store/mod.ts";
import type { Column } from "./vschema.ts";

export interface MadeSchema {
  /** Statements that make the tables. */
  readonly text: string;
  readonly columns: readonly Column[];
}

export async function makeSchema(): Promise<MadeSchema> {
  const server = await mysqlServer();
  const schema = await server?.createSchema();
  if (server === undefined || schema === undefined) {
    throw new Error("no MySQL-compatible server is installed");
  }
  try {
    await migrateAt(schema.url, { log: silentLogger() });
    const database = new URL(schema.url.reveal()).pathname.slice(1);
    const columns = await columnsOf(server, database);
    const tables = [...new Set(columns.map(({ table }) => table))];
    const texts = await Promise.all(tables.map((table) => textOf(server, `${database}.${table}`)));
    return { text: texts.join(""), columns };
  } finally {
    await schema.drop();
  }
}

async function columnsOf(server: TestMysqlServer, database: string): Promise<readonly Column[]> {
  return rowsOf(
    await server.administrate(
      `select table_name as t, column_name as c, data_type as d from information_schema.columns
        where table_schema = '${database}' order by table_name, ordinal_position`,
    ),
  ).map(({ t = "", c = "", d = "" }) => ({ table: t, name: c, type: d }));
}

async function textOf(server: TestMysqlServer, table: string): Promise<string> {
  const [row] = rowsOf(await server.administrate(`show create table ${table}`));
  return `${row?.["Create Table"] ?? ""};\n`;
}

function rowsOf(answer: unknown): readonly Readonly<Record<string, string>>[] {
  if (!Array.isArray(answer)) throw new Error("the statement gave no rows");
  return answer;
}
