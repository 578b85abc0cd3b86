/**
 * A statement that writes a row of the deployment view must bump its revision (`bumpViewRevision`, or an event), or answers
 * go stale. Here is every such place; each has a case in `views/cache_test.ts`.
 */
import assert from "node:assert/strict";

const STORE = "svc/ctrl/internal/store/";
const ROOT = new URL("../../", import.meta.url).pathname;

/** Number of such statements by file. A change of it is visible in review. */
const WRITES: Readonly<Record<string, number>> = {
  [`${STORE}instances.ts`]: 5,
  // A restore runs while no api does: no process has answers that it could make outdated.
  [`${STORE}restored.ts`]: 1,
  [`${STORE}routes.ts`]: 5,
  [`${STORE}scaling.ts`]: 3,
  [`${STORE}sleeps.ts`]: 5,
  [`${STORE}steps.ts`]: 3,
  // One of them changes a version only, which no view shows.
  [`${STORE}topology.ts`]: 5,
};

/** Their cells are compared, so they need no revision. */
const COMPARED = ["deployments", "environments", "projects", "protections", "shown_revisions"];

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(`${ROOT}${folder}`)) {
    const path = `${folder}${entry.name}`;
    if (entry.isDirectory) yield* sources(`${path}/`);
    else if (path.endsWith(".ts") && !/_test\.ts$|\/testing\w*\.ts$/.test(path)) yield path;
  }
}

async function countedTables(): Promise<string[]> {
  const source = await Deno.readTextFile(`${ROOT}${STORE}views/rows.ts`);
  const code = source.replaceAll(/\/\*\*.*?\*\//gs, "");
  const tables = [...code.matchAll(/\b(?:from|join) ([a-z_]+)/g)].map(([, table = ""]) => table);
  return [...new Set(tables)].filter((table) => !COMPARED.includes(table)).sort();
}

function writesIn(source: string, tables: readonly string[]): number {
  const table = `(?:${tables.join("|")})`;
  const call = `(?:updateTable|deleteFrom|insertInto)\\(\\s*"${table}"`;
  const helper = `(?:upsert|insertIgnore)\\(\\s*\\w+,\\s*"${table}"`;
  const text = `(?:update|into|delete from) ${table}\\b`;
  return [...source.matchAll(new RegExp(`${call}|${helper}|${text}`, "g"))].length;
}

Deno.test("every statement that writes what a deployment is shown from is known", async () => {
  const tables = await countedTables();
  assert.deepEqual(tables, [
    "deployment_sleeps",
    "deployment_steps",
    "deployment_topology",
    "frontline_routes",
    "instances",
    "scaled_placements",
  ]);
  const found: Record<string, number> = {};
  for await (const path of sources("svc/")) {
    const writes = writesIn(await Deno.readTextFile(`${ROOT}${path}`), tables);
    if (writes > 0) found[path] = writes;
  }
  assert.deepEqual(found, WRITES);
});

Deno.test("a write is found however it is written", () => {
  const planted = [
    'tx.updateTable("instances").set(row)',
    'tx.deleteFrom("instances")',
    'db.insertInto(\n  "instances")',
    'upsert(tx, "instances", rows, key)',
    'insertIgnore(tx, "instances", rows, key)',
    "sql`update instances set status = 'x'`",
    "sql`insert into instances values (1)`",
    "sql`delete from instances`",
  ];
  for (const each of planted) assert.equal(writesIn(each, ["instances"]), 1, each);
  assert.equal(writesIn('tx.selectFrom("instances"); sql`select 1 from instances`', ["instances"]), 0);
});
