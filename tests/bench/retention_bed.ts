/** Rows past their retention beside young ones, and writers that go on: what the sweeps work on. */
import { sql } from "kysely";
import { systemClock } from "../../pkg/clock/mod.ts";
import { transact } from "../../pkg/db/mod.ts";
import { describeError } from "../../pkg/fault/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { PrivateMariadb } from "../../pkg/testkit/private_mariadb.ts";
import { appendChanges, compactChanges } from "../../svc/ctrl/internal/changes/mod.ts";
import {
  appendLogLines,
  type CtrlDatabase,
  insertInstanceLogs,
  listUnneededUploads,
  listUnusedContexts,
  listUnusedPacks,
  openCtrlDatabase,
  recordAudit,
  timeNsText,
} from "../../svc/ctrl/internal/store/mod.ts";
import { NOW_MS, type Seed, seedDeployment, seedProject } from "../../svc/ctrl/internal/store/testing.ts";
import { removeOldAuditEntries } from "../../svc/ctrl/api/tasks/audit_sweeper.ts";
import { removeOldOutput } from "../../svc/ctrl/api/tasks/output_sweeper.ts";
import { listLogged, LOG_FLAGS, type LoggedStatement, openLogged } from "./statement_log.ts";

/** Numbers of rows. */
export interface RetentionSize {
  /** Deployments that are over. */
  readonly over: number;
  /** Deployments that have run for longer than all of those. */
  readonly running: number;
  readonly eventsEach: number;
  readonly blocksEach: number;
  readonly spansEach: number;
  readonly oldAudit: number;
  readonly youngAudit: number;
  readonly oldChanges: number;
  readonly youngChanges: number;
}

const DATABASE = "retention";
export const REGION = "big";
const DAY_MS = 24 * 3_600_000;
const OLD_MS = NOW_MS - 500 * DAY_MS;
const CONTENTS = 5_000;
const WRITERS = 3;
/** More than any run lasts. */
const WRITES_MAX = 200_000;

/** Writes beside the sweeps. */
export interface Writes {
  readonly count: number;
  readonly longestMs: number;
  readonly failures: readonly string[];
}

/** A database of its own with such rows. Dispose of it, or its server stays. */
export class RetentionBed implements AsyncDisposable {
  /** For the sweeps; its statements are logged. */
  readonly db: CtrlDatabase;
  readonly writer: CtrlDatabase;
  readonly seed: Seed;
  readonly #server: PrivateMariadb;
  readonly #size: RetentionSize;
  #live = "";

  private constructor(
    parts: {
      server: PrivateMariadb;
      db: CtrlDatabase;
      writer: CtrlDatabase;
      seed: Seed;
      size: RetentionSize;
    },
  ) {
    [this.#server, this.db, this.writer] = [parts.server, parts.db, parts.writer];
    [this.seed, this.#size] = [parts.seed, parts.size];
  }

  static async start(size: RetentionSize): Promise<RetentionBed> {
    const server = await PrivateMariadb.start(LOG_FLAGS);
    try {
      await server.administrate(`create database ${DATABASE}`);
      const log = silentLogger();
      const writer = await openCtrlDatabase(server.url(DATABASE), { migrate: true, log });
      const seed = await seedProject(writer);
      const bed = new RetentionBed({ server, db: await openLogged(server, DATABASE), writer, seed, size });
      await bed.#fill();
      return bed;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #fill(): Promise<void> {
    const { over, running, eventsEach, blocksEach, spansEach } = this.#size;
    this.#live = (await seedDeployment(this.writer, this.seed)).id;
    const old = `select concat('d_old_', d.seq)`;
    await this.#copyDeployment(over, "d_old_", {
      status: "'failed'",
      updated_at: `${OLD_MS} + seq`,
      build_context_path: "concat('u_', seq)",
    });
    await this.#copyDeployment(running, "d_run_", { status: "'ready'", updated_at: "seq" });
    await this.#run(
      `insert into deployment_topology select concat('d_run_', seq), 'near', '${this.seed.workspaceId}',
      1, 'started', seq, 0, 1, 1 from seq_1_to_${running}`,
    );
    await this.#run(
      `insert into environments (id, workspace_id, project_id, slug, description, is_rolled_back,
      next_sequence, created_at, updated_at) select concat('e_', seq), 'ws', concat('p_', seq), 'production', '', 0, 1, 1, 1
      from seq_1_to_${running}`,
    );
    await this.#run(`insert into deployment_events ${old}, e.seq, 'log', repeat('x', 100), ${OLD_MS}
      from seq_1_to_${over} d, seq_1_to_${eventsEach} e`);
    await this.#run(
      `insert into log_blocks (deployment_id, region, instance, last_time_ns, last_ordinal, first_time_ns,
      line_count, size_bytes, body) ${old}, 'near', 'i', lpad(b.seq, 20, '0'), 0, lpad(b.seq, 20, '0'), 1, 256, 'x'
      from seq_1_to_${over} d, seq_1_to_${blocksEach} b`,
    );
    await this.#run(`insert into deployment_traces ${old}, repeat('a', 32), '', null, 1, 2, 'failed', 0, null
      from seq_1_to_${over} d`);
    await this.#run(`insert into deployment_spans ${old}, s.seq, '', 'worker', '', 'build', '', 'done', 1, 2
      from seq_1_to_${over} d, seq_1_to_${spansEach} s`);
    await this.#content();
    await this.#audit("old", this.#size.oldAudit, `${OLD_MS} + seq div 10`);
    await this.#audit("young", this.#size.youngAudit, `${NOW_MS} - seq`);
    const { oldChanges, youngChanges } = this.#size;
    await this.#run(`insert into state_changes select '${REGION}', seq, 'deployment', seq,
      if(seq <= ${oldChanges}, 1, ${NOW_MS}) from seq_1_to_${oldChanges + youngChanges}`);
    await this.#run(`insert into region_versions values ('${REGION}', ${oldChanges + youngChanges})`);
    const tables = [
      "deployments",
      "deployment_events",
      "log_blocks",
      "deployment_spans",
      "audit_log",
      "state_changes",
    ];
    await this.#run(`analyze table ${tables.join(", ")}`);
  }

  /** Unused contexts, packs and archives of the project that has all the deployments. */
  async #content(): Promise<void> {
    const owner = `'${this.seed.workspaceId}', '${this.seed.projectId}'`;
    const from = `from seq_1_to_${CONTENTS}`;
    await this.#run(
      `insert into contexts select concat('c_', seq), ${owner}, seq, seq, '', 1, 1, 1, seq ${from}`,
    );
    await this.#run(
      `insert into packs select concat('pack_', seq), ${owner}, seq, 1, '', 'stored', 1, seq ${from}`,
    );
    await this.#run(
      `insert into context_packs select 'c_other', concat('pack_', seq) ${from} where seq mod 2`,
    );
    await this.#run(
      `insert into uploads select concat('u_', seq), ${owner}, concat('u_', seq), 1, '', 1, seq ${from}`,
    );
  }

  /** The first looks of the sweeps over contexts, packs and uploads; returns the numbers of found rows. */
  async lookForContent(limit: number): Promise<readonly number[]> {
    const options = { beforeMs: NOW_MS, offeredBeforeMs: NOW_MS, limit };
    const found = [
      await listUnusedContexts(this.db.kysely, options),
      await listUnusedPacks(this.db.kysely, options),
      await listUnneededUploads(this.db.kysely, options),
    ];
    return found.map(({ length }) => length);
  }

  async #copyDeployment(
    count: number,
    prefix: string,
    changes: Readonly<Record<string, string>>,
  ): Promise<void> {
    const own: Readonly<Record<string, string>> = {
      id: `concat('${prefix}', seq)`,
      k8s_name: `concat('${prefix}', seq)`,
      sequence: `${prefix === "d_old_" ? 1_000_000 : 2_000_000} + seq`,
      ...changes,
    };
    const { rows } = await sql<{ name: string }>`select column_name as name from information_schema.columns
      where table_schema = database() and table_name = 'deployments'`.execute(this.writer.kysely);
    const columns = rows.map(({ name }) => name);
    await this.#run(`insert into deployments (${columns.join(", ")})
      select ${columns.map((name) => own[name] ?? name).join(", ")}
      from seq_1_to_${count}, deployments where id = '${this.#live}'`);
  }

  async #audit(prefix: string, count: number, at: string): Promise<void> {
    await this.#run(
      `insert into audit_log select concat('${prefix}_', seq), concat('ws_', seq mod 100), 'service', '', '',
      'deployment.create', 'deployment', seq, concat('p_', seq mod 300), '', '{}', ${at} from seq_1_to_${count}`,
    );
  }

  async #run(text: string): Promise<void> {
    await sql.raw(text).execute(this.writer.kysely);
  }

  /** One call of the feed's compaction; returns the number of deleted rows. */
  async compact(db: Parameters<typeof compactChanges>[0] = this.db.kysely): Promise<number> {
    return await compactChanges(db, REGION, { nowMs: NOW_MS, keepMs: 3_600_000, keepVersions: 1_000 });
  }

  /** One sweep over the audit log. */
  async sweepAudit(): Promise<void> {
    await removeOldAuditEntries({ ...this.#deps(), keptDays: 400 }, new AbortController().signal);
  }

  /** One sweep over output and traces. */
  async sweepOutput(): Promise<void> {
    await removeOldOutput({ ...this.#deps(), keptDays: 30 }, new AbortController().signal);
  }

  #deps() {
    return { db: this.db, clock: { ...systemClock(), now: () => NOW_MS }, log: silentLogger() };
  }

  /** Does it while others write to the same tables all the time. */
  async besideWriters(work: () => Promise<void>): Promise<Writes> {
    let done = false;
    const [tookMs, failures]: [number[], string[]] = [[], []];
    const writers = Array.from({ length: WRITERS }, async () => {
      for (let n = 0; n < WRITES_MAX && !done; n++) {
        const startedMs = performance.now();
        await this.write().catch((error: unknown) => void failures.push(describeError(error)));
        tookMs.push(performance.now() - startedMs);
      }
    });
    try {
      await work();
    } finally {
      done = true;
      await Promise.all(writers);
    }
    return { count: tookMs.length, longestMs: Math.max(...tookMs), failures };
  }

  /** A change, an act, an event and output, as a deploy writes them. */
  async write(): Promise<void> {
    await transact(this.writer, async (tx) => {
      await recordAudit(tx, {
        workspaceId: this.seed.workspaceId,
        actor: { kind: "service" },
        action: "deployment.create",
        resource: { type: "deployment", id: this.#live },
        nowMs: NOW_MS,
      });
      await appendLogLines(tx, this.#live, { source: "build", origin: "RUN make", lines: ["made"] }, NOW_MS);
      await appendChanges(tx, REGION, [{ resourceType: "deployment", resourceId: this.#live }], NOW_MS);
    });
    const timeNs = timeNsText(BigInt(NOW_MS) * 1_000_000n);
    const instance = crypto.randomUUID();
    await insertInstanceLogs(this.writer.kysely, this.#live, [
      { instance, timeNs, ordinal: 0, region: REGION, stream: "stdout", text: "up" },
    ]);
  }

  /** The rows of a table. */
  async count(table: string, where = "true"): Promise<number> {
    const { rows } = await sql.raw<{ count: number }>(`select count(*) as count from ${table} where ${where}`)
      .execute(this.writer.kysely);
    return Number(rows[0]?.count);
  }

  /** The statements of the sweeps so far. */
  async statements(): Promise<readonly LoggedStatement[]> {
    return await listLogged(this.#server, DATABASE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.db.close();
    await this.writer.close();
    await this.#server[Symbol.asyncDispose]();
  }
}
