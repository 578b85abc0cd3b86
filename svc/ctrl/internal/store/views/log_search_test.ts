import assert from "node:assert/strict";
import { newId } from "../../../../../pkg/uid/mod.ts";
import { type Level, searchText } from "../../log_lines/mod.ts";
import {
  type CtrlDatabase,
  type FoundLine,
  insertInstanceLogs,
  type LogLine,
  type LogSearch,
  searchLogLines,
  timeNsText,
  trimInstanceLogs,
} from "../mod.ts";
import { testOnCtrlDatabases } from "../testing.ts";

const test = testOnCtrlDatabases();
const SOURCES = ["eu/a-1", "eu/a-2", "us/a-1"];
const WORDS = ["order", "paid", "timeout", "timeouts", "refused"];
const LEVELS = ["info", "warn", "error"];
const below = (max: number): number => Math.floor(Math.random() * max);
const oneOf = <T>(values: readonly [T, ...T[]] | readonly T[]): T | undefined => values[below(values.length)];
const BOUNDS = { blocksMax: 1_000, bytesMax: 1e9, isOver: () => false };

type Query = Omit<LogSearch, "text" | "limit" | "bounds" | "from"> & { readonly words?: string | undefined };

function line(source: string, time: number, ordinal: number, text: string): LogLine {
  const [region = "", instance = ""] = source.split("/");
  return { instance, region, timeNs: timeNsText(BigInt(time)), ordinal, stream: "stdout", text };
}

/** Batches of lines of several deployments; every fourth block is as an older release stored it. */
async function history(db: CtrlDatabase, ids: readonly string[]): Promise<FoundLine[]> {
  const lines: FoundLine[] = [];
  for (const deploymentId of ids) {
    const times = new Map(SOURCES.map((each) => [each, below(50)]));
    for (let n = 0; n < 12; n++) {
      const source = oneOf(SOURCES) ?? "";
      let time = (times.get(source) ?? 0) + 1 + below(20);
      const batch = Array.from({ length: 1 + below(8) }, (_, at) => {
        time += below(3);
        return line(source, time, at, `level=${oneOf(LEVELS)} ${oneOf(WORDS)} ${oneOf(WORDS)} n${below(40)}`);
      });
      times.set(source, time);
      await insertInstanceLogs(db.kysely, deploymentId, batch);
      lines.push(...batch.map((each) => ({ ...each, deploymentId })));
      if (n % 4 === 0) {
        await db.kysely.deleteFrom("log_block_words").where("deployment_id", "=", deploymentId)
          .where("last_time_ns", "=", batch.at(-1)?.timeNs ?? "").execute();
      }
    }
  }
  return lines;
}

/** All pages of a search, each as far as its bounds go. */
async function pagesOf(
  db: CtrlDatabase,
  { words, ...query }: Query,
  limits: { readonly limit: number; readonly blocksMax: number; readonly bytesMax: number },
): Promise<FoundLine[]> {
  const { limit, ...bounds } = limits;
  const found: FoundLine[] = [];
  const search = { ...query, text: words === undefined ? undefined : searchText(words), limit };
  for (let from: LogSearch["from"], pages = 0;; pages++) {
    assert.ok(pages < 1_000, "the search stands still");
    const page = await searchLogLines(db, { ...search, from, bounds: { ...BOUNDS, ...bounds } });
    assert.ok(page.lines.length <= limit);
    found.push(...page.lines);
    if (page.next === undefined) return found;
    from = page.next;
  }
}

function expected(lines: readonly FoundLine[], { words, ...query }: Query): FoundLine[] {
  const { since = "", until = "~", region, instance = "", level, deploymentIds } = query;
  const levels = LEVELS.slice(level === undefined ? 0 : LEVELS.indexOf(level));
  return lines.filter((each) =>
    deploymentIds.includes(each.deploymentId) && each.timeNs >= since && each.timeNs < until &&
    (region === undefined || each.region === region) && each.instance.startsWith(instance) &&
    levels.some((one) => each.text.startsWith(`level=${one} `)) &&
    (words === undefined || ` ${each.text} `.includes(` ${words} `))
  );
}

const keyOf = ({ deploymentId, region, instance, timeNs, ordinal }: FoundLine): string =>
  [deploymentId, region, instance, timeNs, String(ordinal).padStart(3, "0")].join(" ");

test("a search finds each matching line once, whatever its bounds, also in blocks of an older release", async (db) => {
  const ids = Array.from({ length: 2 }, () => newId("deployment", 1));
  const lines = await history(db, ids);
  for (let round = 0; round < 8; round++) {
    const query: Query = {
      deploymentIds: ids.slice(below(ids.length)),
      words: oneOf([undefined, "order", "timeout", "paid order", `n${below(40)}`]),
      level: oneOf<Level | undefined>([undefined, "warn", "error"]),
      since: oneOf([undefined, timeNsText(BigInt(below(300)))]),
      until: oneOf([undefined, timeNsText(BigInt(below(300)))]),
      region: oneOf([undefined, "eu"]),
      instance: oneOf([undefined, "a-2"]),
    };
    const limits = {
      limit: oneOf([5, 1_000]) ?? 5,
      blocksMax: oneOf([1, 1_000]) ?? 1,
      bytesMax: oneOf([1, 1e9]) ?? 1,
    };
    const found = await pagesOf(db, query, limits);
    const message = JSON.stringify({ query, limits });
    assert.deepEqual(found.map(keyOf).toSorted(), expected(lines, query).map(keyOf).toSorted(), message);
    for (
      const each of Map.groupBy(found, (one) => `${one.deploymentId} ${one.region} ${one.instance}`).values()
    ) {
      assert.deepEqual(each.map(keyOf), each.map(keyOf).toSorted().reverse(), `newest first: ${message}`);
    }
  }
});

test("a search that is over its time ends at a block, and goes on there", async (db) => {
  const id = newId("deployment", 1);
  for (let n = 1; n <= 40; n++) await insertInstanceLogs(db.kysely, id, [line("eu/a", n, 0, `order ${n}`)]);
  const search = { deploymentIds: [id], text: searchText("order"), limit: 100 };
  const first = await searchLogLines(db, { ...search, bounds: { ...BOUNDS, isOver: () => true } });
  assert.ok(first.lines.length > 0 && first.lines.length < 40, `${first.lines.length} lines`);
  const second = await searchLogLines(db, { ...search, from: first.next, bounds: BOUNDS });
  assert.deepEqual(
    [...first.lines, ...second.lines].map(({ text }) => text),
    Array.from({ length: 40 }, (_, n) => `order ${40 - n}`),
  );
});

test("a page may end in the middle of a block", async (db) => {
  const id = newId("deployment", 1);
  await insertInstanceLogs(
    db.kysely,
    id,
    Array.from({ length: 7 }, (_, n) => line("eu/a", n, 0, `order ${n}`)),
  );
  const limits = { limit: 3, blocksMax: 1_000, bytesMax: 1e9 };
  const found = await pagesOf(db, { deploymentIds: [id], words: "order" }, limits);
  assert.deepEqual(found.map(({ text }) => text), [6, 5, 4, 3, 2, 1, 0].map((n) => `order ${n}`));
});

/** A block that is read for nothing would fail here: its body is none. */
test("a search reads only blocks whose words and levels may match", async (db) => {
  const id = newId("deployment", 1);
  for (let n = 1; n <= 30; n++) {
    await insertInstanceLogs(db.kysely, id, [
      line("eu/a", n, 0, `level=${n === 9 ? "fatal" : "info"} order no${n}`),
    ]);
  }
  const search = { deploymentIds: [id], limit: 100, bounds: BOUNDS };
  await db.kysely.updateTable("log_blocks").set({ body: new Uint8Array([0]) }).where("deployment_id", "=", id)
    .where("last_time_ns", "!=", timeNsText(9n)).execute();
  const chosen: readonly Pick<LogSearch, "text" | "level">[] = [
    { text: searchText("order NO9") },
    { level: "fatal" },
    { text: searchText("order"), level: "error" },
  ];
  for (const each of chosen) {
    const { lines } = await searchLogLines(db, { ...search, ...each });
    assert.deepEqual(lines.map(({ text }) => text), ["level=fatal order no9"]);
  }
  await assert.rejects(searchLogLines(db, { ...search, text: searchText("order") }));
});

test("the words of blocks go with their blocks", async (db) => {
  const id = newId("deployment", 1);
  for (let n = 1; n <= 4; n++) await insertInstanceLogs(db.kysely, id, [line("eu/a", n, 0, `order ${n}`)]);
  await trimInstanceLogs(db.kysely, id, 512);
  const ends = async (table: "log_blocks" | "log_block_words") =>
    (await db.kysely.selectFrom(table).select("last_time_ns").where("deployment_id", "=", id)
      .orderBy("last_time_ns").execute()).map((row) => row.last_time_ns);
  assert.deepEqual(await ends("log_block_words"), [3, 4].map((n) => timeNsText(BigInt(n))));
  assert.deepEqual(await ends("log_block_words"), await ends("log_blocks"));
});
