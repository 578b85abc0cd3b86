/**
 * Searches over 10 million lines of output on both databases, by the statements and bounds of one call.
 * `deno task bench log_search`
 */
import { Secret } from "../../pkg/config/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { hasMysqlServer } from "../../pkg/testkit/mariadb.ts";
import { PrivateMariadb } from "../../pkg/testkit/private_mariadb.ts";
import { type Level, searchText } from "../../svc/ctrl/internal/log_lines/mod.ts";
import {
  type CtrlDatabase,
  insertInstanceLogs,
  type LogLine,
  type LogSearchPage,
  openCtrlDatabase,
  searchLogLines,
  timeNsText,
} from "../../svc/ctrl/internal/store/mod.ts";
import { SEARCH_BOUNDS } from "../../svc/ctrl/services/deployment/search_logs.ts";
import { BOUNDS } from "./bounds.ts";
import { quantile, type Row } from "./row.ts";

/** A batch of a busy app is a block of so many lines. */
const BLOCK_LINES = 1_000;
const BLOCKS = 10_000;
/** A deployment keeps 64 MiB of text. */
const DEPLOYMENTS = 25;
/** Blocks with content of their own; each is stored many times, as other times of other deployments. */
const DISTINCT = 400;
const START_NS = 1_760_000_000n * 1_000_000_000n;
const TIMES = 10;
const DATABASE = "log_search";

export async function benchLogSearch(): Promise<Row[]> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-bench-" });
  try {
    const rows = await benchOn("SQLite", new Secret(`sqlite://${folder}/unkey.db`));
    if (!hasMysqlServer()) return [...rows, { measure: "needs MariaDB", measured: "-", ok: undefined }];
    // The default of MariaDB; the servers of tests have less.
    await using server = await PrivateMariadb.start(["--innodb-buffer-pool-size=128M"]);
    await server.administrate(`create database ${DATABASE}`);
    return [...rows, ...await benchOn("MariaDB", server.url(DATABASE))];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function benchOn(name: string, url: Secret): Promise<Row[]> {
  const db = await openCtrlDatabase(url, { migrate: true, log: silentLogger() });
  try {
    await fill(db);
    const rows: Row[] = [];
    const ask = async (what: string, queries: readonly Query[], isBound = true): Promise<void> => {
      const runs = [];
      for (const query of queries) runs.push(await run(db, query));
      rows.push(row(`${name}: ${what}`, runs, isBound));
    };
    const needles = Array.from({ length: TIMES }, (_, n) => ({ text: needle(n) }));
    await ask("one line by an id, anywhere", needles);
    await ask("a word that no line has", needles.map((_, n) => ({ text: `absent${n}` })));
    await ask("two words in a line, anywhere", needles.map(({ text }) => ({ text: `order ${text}` })));
    await ask("the only fatal line", Array.from({ length: TIMES }, () => ({ level: "fatal" as const })));
    await ask("the last 100 errors", Array.from({ length: TIMES }, () => ({ level: "error" as const })));
    await ask("the last 100 lines of a frequent word", needles.map(() => ({ text: "checkout" })));
    await ask("a beginning of a word that no line has: one call", [{ text: "absent*" }], false);
    return rows;
  } finally {
    await db.close();
  }
}

interface Query {
  readonly text?: string;
  readonly level?: Level;
}

interface Run {
  readonly ms: number;
  readonly page: LogSearchPage;
}

async function run(db: CtrlDatabase, { text, level }: Query): Promise<Run> {
  const startedMs = performance.now();
  const page = await searchLogLines(db, {
    deploymentIds: Array.from({ length: DEPLOYMENTS }, (_, n) => `d_${n}`),
    text: text === undefined ? undefined : searchText(text),
    level,
    limit: 100,
    bounds: { ...SEARCH_BOUNDS, isOver: () => performance.now() >= startedMs + SEARCH_BOUNDS.ms },
  });
  return { ms: performance.now() - startedMs, page };
}

function row(measure: string, runs: readonly Run[], isBound: boolean): Row {
  const times = runs.map(({ ms }) => ms);
  const slowestMs = Math.max(...times);
  const [first] = runs;
  const next = first?.page.next;
  const share = next === undefined
    ? "all"
    : `${
      ((START_NS + BigInt(BLOCKS) * 1_000_000_000n - BigInt(next.timeNs)) /
        BigInt(BLOCKS) / 10_000_000n).toString()
    } %`;
  return {
    measure: `search in 10 million lines, ${measure}`,
    ...(isBound ? { bound: BOUNDS.logSearchMs } : {}),
    measured: `p50 ${quantile(times, 0.5).toFixed(0)} ms, max ${slowestMs.toFixed(0)} ms, ` +
      `${first?.page.lines.length ?? 0} lines, looked at ${share}`,
    ok: isBound ? slowestMs < BOUNDS.logSearchMs.limit : undefined,
  };
}

/** Ten ids that occur once each, spread over the output. */
function needle(n: number): string {
  return `needle${n}q`;
}

/** Stores blocks with the production's own writer once, and then as often as it takes under other keys. */
async function fill(db: CtrlDatabase): Promise<void> {
  const each = BLOCKS / DEPLOYMENTS;
  for (let n = 0; n < DISTINCT; n++) await insertInstanceLogs(db.kysely, "d_model", block(n, "i-0", n, ""));
  const models = await db.kysely.selectFrom("log_blocks").selectAll().where("deployment_id", "=", "d_model")
    .execute();
  const words = await db.kysely.selectFrom("log_block_words").selectAll()
    .where("deployment_id", "=", "d_model").execute();
  const wordsOf = new Map(words.map((every) => [every.last_time_ns, every]));
  for (let n = 0; n < BLOCKS; n++) {
    const deploymentId = `d_${Math.floor(n / each)}`;
    const extra = extraOf(n);
    if (extra !== "") {
      await insertInstanceLogs(db.kysely, deploymentId, block(n, `i-${n % 4}`, n, extra));
      continue;
    }
    const model = models[n % models.length];
    const its = model === undefined ? undefined : wordsOf.get(model.last_time_ns);
    if (model === undefined || its === undefined) throw new Error("no models");
    const key = {
      deployment_id: deploymentId,
      instance: `i-${n % 4}`,
      last_time_ns: timeOf(n, BLOCK_LINES - 1),
    };
    await db.kysely.insertInto("log_blocks").values({ ...model, ...key, first_time_ns: timeOf(n, 0) })
      .execute();
    await db.kysely.insertInto("log_block_words").values({ ...its, ...key }).execute();
  }
}

function extraOf(n: number): string {
  if (n === 17) return "FATAL out of disk";
  const at = (BLOCKS / TIMES) / 2;
  return n % (BLOCKS / TIMES) === at ? `order ${needle(Math.floor(n / (BLOCKS / TIMES)))} failed` : "";
}

/** A block each second. */
function timeOf(n: number, line: number): string {
  return timeNsText(START_NS + BigInt(n) * 1_000_000_000n + BigInt(line) * 1_000_000n);
}

/** Half of the lines are JSON, half text; each has an id and numbers of its own. */
function block(n: number, instance: string, seed: number, extra: string): LogLine[] {
  return Array.from({ length: BLOCK_LINES }, (_, at) => {
    const id = crypto.randomUUID().slice(0, 18);
    const ms = (seed * 31 + at * 7) % 900;
    const path = ["checkout", "cart", "login", "orders", "health"][at % 5];
    const level = at % 200 === 0 ? "error" : at % 20 === 0 ? "warn" : "info";
    const text = at % 2 === 0
      ? JSON.stringify({
        level,
        time: n * 1_000 + at,
        msg: `request to ${path} done`,
        id,
        ms,
        user: at * 13 % 5_000,
      })
      : `${level.toUpperCase()} request ${id} GET /${path}/${at * 17 % 3_000} answered 200 in ${ms} ms`;
    return {
      instance,
      region: "eu",
      timeNs: timeOf(n, at),
      ordinal: 0,
      stream: "stdout",
      text: extra !== "" && at === 500 ? extra : text,
    };
  });
}
