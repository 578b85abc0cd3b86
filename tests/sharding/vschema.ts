/** The sharded schema of `dev/vitess`, as the planner takes it. */

/** The part of a vschema that is read here. */
interface Keyspace {
  readonly sharded?: boolean;
  readonly vindexes?: Readonly<Record<string, Vindex>>;
  readonly tables: Readonly<Record<string, Table>>;
}

export interface Vindex {
  readonly type: string;
  /** The table that fills it; without one, the vindex is a function of the column. */
  readonly owner?: string;
  readonly params?: { readonly table: string; readonly from: string };
}

export interface Table {
  readonly column_vindexes?: readonly { readonly column: string; readonly name: string }[];
}

export type Vschema = Readonly<Record<string, Keyspace>>;

const FOLDER = new URL("../../dev/vitess/", import.meta.url);
/** The planner's types; all others are texts to it. */
const TYPES: Readonly<Record<string, { readonly type: string }>> = {
  bigint: { type: "INT64" },
  mediumblob: { type: "BLOB" },
};
const TEXT = { type: "VARCHAR", collation_name: "utf8mb4_bin" };

export async function readVschema(): Promise<Vschema> {
  return JSON.parse(await Deno.readTextFile(new URL("vschema.json", FOLDER)));
}

/** The tables of the lookup vindexes, as statements. */
export async function readLookups(): Promise<string> {
  return await Deno.readTextFile(new URL("lookups.sql", FOLDER));
}

/** A column, as the database describes it. */
export interface Column {
  readonly table: string;
  readonly name: string;
  readonly type: string;
}

/** The same with all columns, which Vitess finds out by itself when it runs. */
export function withColumns(vschema: Vschema, columns: readonly Column[]): Vschema {
  return Object.fromEntries(
    Object.entries(vschema).map(([name, keyspace]) => [name, {
      ...keyspace,
      tables: Object.fromEntries(
        Object.entries(keyspace.tables).map(([table, given]) => {
          const own = columns.filter((each) => each.table === table)
            .map(({ name, type }) => ({ name, ...(TYPES[type] ?? TEXT) }));
          return [
            table,
            own.length === 0 ? given : { ...given, columns: own, column_list_authoritative: true },
          ];
        }),
      ),
    }]),
  );
}
