/**
 * Every statement of the store through Vitess's planner, with the sharded schema of `dev/vitess`. The statements are those of
 * `corpus.jsonl`, which `deno task statements` records while the store's tests and those of its users run.
 */
import assert from "node:assert/strict";
import { hasMysqlServer } from "../../pkg/testkit/mariadb.ts";
import { corpusOf, keyOf as statementKey, mergeCorpora } from "./corpus.ts";
import { Planner, PLANNER_ABSENT } from "./planner.ts";
import { keyOf, type Reach, reachOf, tablesOf } from "./reach.ts";
import { readCorpus, record, SOME } from "./record.ts";
import { CROSSES, HOT, SCATTERS } from "./rules.ts";
import { makeSchema } from "./schema.ts";
import { readLookups, readVschema, withColumns } from "./vschema.ts";

const DECISION = new URL("../../docs/decisions/0047-shards-by-workspace.md", import.meta.url);
const corpus = await readCorpus();
const vschema = await readVschema();

/** A statement with its shards. */
interface Placed extends Reach {
  readonly source: string;
  readonly form: string;
}

function sorted(names: Iterable<string>): readonly string[] {
  return [...new Set(names)].toSorted();
}

Deno.test({
  name: "the store's statements under the sharded schema",
  ignore: PLANNER_ABSENT || !hasMysqlServer(),
  fn: async (t) => {
    const folder = await Deno.makeTempDir({ prefix: "unkey-sharding-" });
    try {
      const schema = await makeSchema();
      const placed: Placed[] = [];

      await t.step("each table of the migrations has its place", () => {
        const tables = sorted(schema.columns.map(({ table }) => table));
        const known = Object.values(vschema).flatMap(({ tables }) => Object.keys(tables));
        assert.deepEqual(sorted(known.filter((name) => !/_shards$/.test(name))), tables);
      });

      await t.step("Vitess takes each statement", async () => {
        const text = schema.text + await readLookups();
        const planner = await Planner.open(folder, withColumns(vschema, schema.columns), text);
        const planned = await planner.plan(corpus.statements.map((each) => each.text));
        const problems: string[] = [];
        for (const [index, statement] of corpus.statements.entries()) {
          const plan = planned[index] ?? { problem: "the planner gave no plan" };
          if ("problem" in plan) problems.push(`${statement.source}: ${plan.problem}: ${statement.form}`);
          else placed[index] = { ...statement, ...reachOf(plan.steps, tablesOf(statement.form), vschema) };
        }
        assert.deepEqual(problems, []);
      });

      await t.step("only paths of the list ask all shards", () => {
        const found = sorted(placed.filter((each) => each.scatters).map(({ source }) => source));
        assert.deepEqual(found, sorted(Object.values(SCATTERS).flat()));
      });

      await t.step("hot paths are recorded, and ask the shards of their keys only", () => {
        for (const [path, sources] of Object.entries(HOT)) {
          for (const source of sources) {
            const own = placed.filter((each) => each.source === source);
            assert.ok(own.length > 0, `${path}: ${source} was not recorded`);
            assert.ok(!own.some((each) => each.scatters), `${path}: ${source} asks all shards`);
          }
        }
      });

      await t.step("only transactions of the list cross shards, and decision 0047 names them", async () => {
        const found = sorted(
          corpus.transactions.flatMap((transaction) => crossing(transaction, placed) ?? []),
        );
        assert.deepEqual(found, sorted(Object.keys(CROSSES)));
        const text = await Deno.readTextFile(DECISION);
        for (const keys of found) {
          assert.ok(text.includes(`| ${keys} `), `the decision has no row for ${keys}`);
        }
      });

      await t.step("a transaction's first shard, which commits first, is never the feed's", () => {
        const wrong = corpus.transactions.filter((each) =>
          writes(each, placed) && crossing(each, placed) !== undefined &&
          placed[each[0] ?? 0]?.keys.includes("region")
        );
        assert.deepEqual(wrong.map((each) => each.map((n) => placed[n]?.source).join(" > ")), []);
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "the recorded statements are those that the store makes",
  ignore: !hasMysqlServer(),
  fn: async () => {
    const known = new Set(corpus.statements.map(statementKey));
    const made = corpusOf(await record(SOME)).statements;
    assert.ok(made.length > 60, `only ${made.length} statements were recorded`);
    const fresh = made.filter((each) => !known.has(statementKey(each)));
    assert.deepEqual(fresh.map(statementKey), [], 'run "deno task statements" and commit corpus.jsonl');
  },
});

Deno.test("each lookup of the sharded schema has its table", async () => {
  const text = await readLookups();
  const tables = [...text.matchAll(/create table (\w+) \(\s+(\w+)/g)].map(([, name, column]) =>
    `${name} ${column}`
  );
  const wanted = Object.entries(vschema["unkey"]?.vindexes ?? {}).filter(([, { owner }]) =>
    owner !== undefined
  )
    .map(([, { params }]) => `${params?.table} ${params?.from}`);
  assert.deepEqual(tables.toSorted(), wanted.toSorted());
  for (const name of tables) assert.notEqual(keyOf(name.split(" ")[0] ?? "", vschema), "global");
});

Deno.test("tablesOf() finds the tables of joins, subqueries and inserts", () => {
  assert.deepEqual(
    tablesOf("select * from `a` left join `b` as c on 1 where exists (select 1 from d) for update"),
    [
      "a",
      "b",
      "d",
    ],
  );
  assert.deepEqual(tablesOf("insert into `a` (`b`) values (?) on duplicate key update `b` = `a`.`b`"), ["a"]);
});

Deno.test("corpusOf() keeps each form once, and transactions as they began", () => {
  const sent = (sql: string, source = "", values: unknown[] = []) => ({
    connection: "1",
    sql,
    source,
    values,
  });
  const { statements, transactions } = corpusOf([
    sent("start transaction"),
    sent("select 1 from b where id in (?, ?)", "f: b", ["x", "y"]),
    sent("update a set n = ?", "f: a", [7]),
    sent("select 1 from b where id in (?)", "f: b", ["x"]),
    sent("commit"),
    sent("update a set n = ?", "f: a", [null]),
  ]);
  assert.deepEqual(statements, [
    { source: "f: a", form: "update a set n = ?", text: "update a set n = 1" },
    { source: "f: b", form: "select 1 from b where id in (?)", text: "select 1 from b where id in ('v')" },
  ]);
  assert.deepEqual(transactions, [[1, 0]]);
});

Deno.test("mergeCorpora() keeps the transactions of both, and drops sources that are gone", () => {
  const statement = (source: string) => ({ source, form: `of ${source}`, text: "" });
  const [a, b, c] = ["f: a", "f: b", "f: c"].map(statement);
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  const former = { statements: [a, b], transactions: [[0, 1]] };
  const added = { statements: [b, c], transactions: [[1, 0]] };
  assert.deepEqual(mergeCorpora(former, added, () => true), {
    statements: [a, b, c],
    transactions: [[0, 1], [2, 1]],
  });
  assert.deepEqual(mergeCorpora(former, added, (source) => source !== "f: a"), {
    statements: [b, c],
    transactions: [[1, 0]],
  });
});

/** The kinds of keys of a transaction's shards, when there is more than one. */
function crossing(transaction: readonly number[], placed: readonly Placed[]): string | undefined {
  const keys = sorted(transaction.flatMap((number) => placed[number]?.keys ?? []));
  return keys.length > 1 && writes(transaction, placed) ? keys.join(" + ") : undefined;
}

/** A transaction that only reads may see several moments; it locks nothing and leaves nothing half done. */
function writes(transaction: readonly number[], placed: readonly Placed[]): boolean {
  return transaction.some((number) => /^(insert|update|delete)|for update$/.test(placed[number]?.form ?? ""));
}
