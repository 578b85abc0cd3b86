/**
 * Changes of a table with a million rows while others write to it: how long each takes, and how long it holds up a write.
 * `deno task bench migrate`
 */
import { sql } from "kysely";
import { describeError } from "../../pkg/fault/mod.ts";
import { openDatabase } from "../../pkg/db/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { mysqlServer } from "../../pkg/testkit/mariadb.ts";
import {
  type CtrlDatabase,
  migrateAt,
  MIGRATION_MS_MAX,
  type Schema,
} from "../../svc/ctrl/internal/store/mod.ts";
import { quantile, type Row } from "./row.ts";

const ROWS = 1_000_000;
const WRITERS = 4;
const TABLE = "deployment_events";
/** The forms of the migrations. */
const COLUMN = `alter table ${TABLE} add column tried bigint null, algorithm = instant`;
const INDEX = `create index tried on ${TABLE} (created_at, kind) algorithm = inplace lock = none`;

export async function benchMigrate(): Promise<Row[]> {
  const schema = await (await mysqlServer())?.createSchema();
  if (schema === undefined) return [{ measure: "migrations need MariaDB", measured: "-", ok: undefined }];
  try {
    await migrateAt(schema.url, { log: silentLogger() });
    const db = await openDatabase<Schema>(schema.url, { queryMsMax: MIGRATION_MS_MAX });
    try {
      await fill(db);
      const quiet = await beside(db, () => sql`select sleep(5)`.execute(db.kysely));
      const column = await beside(db, () => sql.raw(COLUMN).execute(db.kysely));
      const index = await beside(db, () => sql.raw(INDEX).execute(db.kysely));
      return [row("writes without a change", quiet), row("a column", column), row("an index", index)];
    } finally {
      await db.close();
    }
  } finally {
    await schema.drop();
  }
}

async function fill(db: CtrlDatabase): Promise<void> {
  await sql`insert into ${sql.table(TABLE)} (deployment_id, sequence, kind, payload, created_at)
    select concat('d_', seq div 1000), seq, 'log', repeat('x', 200), seq from seq_1_to_1000000`.execute(
    db.kysely,
  );
}

interface Measured {
  readonly tookMs: number;
  readonly writesMs: readonly number[];
  readonly failures: readonly string[];
}

/** Does it while others write all the time. */
async function beside(db: CtrlDatabase, change: () => Promise<unknown>): Promise<Measured> {
  let done = false;
  const writesMs: number[] = [];
  const failures: string[] = [];
  const writers = Array.from({ length: WRITERS }, async () => {
    while (!done) {
      const startedMs = performance.now();
      await db.kysely.insertInto(TABLE).values({
        deployment_id: crypto.randomUUID(),
        sequence: 1,
        kind: "log",
        payload: "x",
        created_at: Date.now(),
      }).execute().catch((error: unknown) => void failures.push(describeError(error)));
      writesMs.push(performance.now() - startedMs);
    }
  });
  const startedMs = performance.now();
  await change();
  const tookMs = performance.now() - startedMs;
  done = true;
  await Promise.all(writers);
  return { tookMs, writesMs, failures };
}

function row(what: string, { tookMs, writesMs, failures }: Measured): Row {
  return {
    measure: `${ROWS / 1_000_000} million rows, ${WRITERS} writers: ${what}`,
    measured: `${(tookMs / 1_000).toFixed(2)} s, ${writesMs.length} writes, ${failures.length} failed, p99 ${
      quantile(writesMs, 0.99).toFixed(1)
    } ms, longest ${Math.max(...writesMs).toFixed(0)} ms`,
    ok: undefined,
  };
}
