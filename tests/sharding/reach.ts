/** Reads from a plan which shards a statement reaches. */
import type { Step } from "./planner.ts";
import type { Vschema } from "./vschema.ts";

/** The shards of a statement. */
export interface Reach {
  /** It asks every shard of the sharded keyspace. */
  readonly scatters: boolean;
  /** The kinds of keys that its shards come from, such as "workspace" or "region"; "global" is the keyspace of one shard. */
  readonly keys: readonly string[];
}

/** Ways to all shards: by no key, or by a key that says nothing about the shard. */
const SCATTERS: ReadonlySet<string> = new Set(["Scatter", "SubShard"]);

/** @param table the table of the statement, which says what an insert's key is */
export function reachOf(steps: readonly Step[], tables: readonly string[], vschema: Vschema): Reach {
  const all = steps.flatMap(flatten);
  return {
    scatters: all.some(({ Variant = "" }) => SCATTERS.has(Variant)),
    keys: [...new Set(tables.map((table) => keyOf(table, vschema)))].toSorted(),
  };
}

function flatten(step: Step): readonly Step[] {
  return [step, ...(step.Inputs ?? []).flatMap(flatten)];
}

/** The key that decides about the shard of a table's rows. */
export function keyOf(table: string, vschema: Vschema): string {
  for (const { sharded = false, tables, vindexes = {} } of Object.values(vschema)) {
    const found = tables[table];
    if (found === undefined) continue;
    if (!sharded) return "global";
    const [first] = found.column_vindexes ?? [];
    const owner = vindexes[first?.name ?? ""]?.owner;
    // A lookup leads to the row that owns it, and so to that row's key.
    if (owner !== undefined) return keyOf(owner, vschema);
    return table === "workspaces" ? "workspace" : (first?.column ?? "").replace(/_id$/, "");
  }
  throw new Error(`the vschema has no table "${table}"`);
}

const TABLE = /\b(?:from|join|into|update) `?(\w+)`?/g;
const NO_TABLE = /on duplicate key update .*$|\bfor update\b/g;

/** The tables that a statement names, without those of the database's own catalog. */
export function tablesOf(form: string): readonly string[] {
  const names = [...form.replaceAll(NO_TABLE, "").matchAll(TABLE)].map(([, name = ""]) => name);
  return [...new Set(names)].filter((name) => name !== "information_schema");
}
