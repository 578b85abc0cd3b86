/** A MariaDB for a measurement, with the settings of production where those of tests would change the numbers. */
import type { Secret } from "../../../pkg/config/mod.ts";
import { mysqlServer, type TestMysqlServer, type TestSchema } from "../../../pkg/testkit/mariadb.ts";

/** Counters of the server since its start, and threads that run now. */
export interface DatabaseCounters {
  readonly statements: number;
  readonly rowsRead: number;
  readonly rowsWritten: number;
  readonly bytes: number;
  readonly threadsRunning: number;
  readonly lockWaits: number;
}

const MIB = 1_048_576;
const SETTINGS = {
  innodb_buffer_pool_size: 1_024 * MIB,
  innodb_log_file_size: 256 * MIB,
  // Each commit is on the disk.
  innodb_flush_log_at_trx_commit: 1,
  long_query_time: 0,
} as const;
/** Statements that read fewer rows are not noted. */
export const NOTED_ROWS_MIN = 80;
const READS = ["first", "key", "last", "next", "prev", "rnd", "rnd_next"].map((name) =>
  `Handler_read_${name}`
);
const WRITES = ["Handler_write", "Handler_update", "Handler_delete"];
const COUNTERS = [
  ...READS,
  ...WRITES,
  "Questions",
  "Bytes_received",
  "Bytes_sent",
  "Threads_running",
  "Innodb_row_lock_waits",
];

export class MeasuredDatabase {
  readonly #server: TestMysqlServer;
  readonly #schema: TestSchema;
  /** Where the server notes statements that read many rows. */
  readonly notesFile: string;

  private constructor(server: TestMysqlServer, schema: TestSchema, notesFile: string) {
    [this.#server, this.#schema, this.notesFile] = [server, schema, notesFile];
  }

  static async make(directory: string): Promise<MeasuredDatabase> {
    const server = await mysqlServer();
    if (server === undefined) throw new Error("Install mariadb-server-core for the scale run");
    for (const [name, value] of Object.entries(SETTINGS)) {
      await server.administrate(`set global ${name} = ${value}`);
    }
    const notesFile = `${directory}/statements.log`;
    await server.administrate(`set global slow_query_log_file = '${notesFile}'`);
    await server.administrate(`set global min_examined_row_limit = ${NOTED_ROWS_MIN}`);
    await server.administrate("set global slow_query_log = 1");
    return new MeasuredDatabase(server, await server.createSchema(), notesFile);
  }

  get url(): Secret {
    return this.#schema.url;
  }

  /** The server's process; it must run on this machine. */
  async pid(): Promise<number> {
    const [row] = rowsOf(await this.#server.administrate("select @@pid_file as file"));
    return Number((await Deno.readTextFile(String(row?.["file"]))).trim());
  }

  async counters(): Promise<DatabaseCounters> {
    const names = COUNTERS.map((name) => `'${name}'`).join(", ");
    const rows = rowsOf(
      await this.#server.administrate(`show global status where variable_name in (${names})`),
    );
    const values = new Map(rows.map((row) => [String(row["Variable_name"]), Number(row["Value"])]));
    const value = (name: string): number => values.get(name) ?? 0;
    const sum = (of: readonly string[]): number => of.reduce((total, name) => total + value(name), 0);
    return {
      statements: value("Questions"),
      rowsRead: sum(READS),
      rowsWritten: sum(WRITES),
      bytes: value("Bytes_received") + value("Bytes_sent"),
      // The question's own thread.
      threadsRunning: Math.max(0, value("Threads_running") - 1),
      lockWaits: value("Innodb_row_lock_waits"),
    };
  }

  async drop(): Promise<void> {
    await this.#server.administrate("set global slow_query_log = 0");
    await this.#schema.drop();
  }
}

function rowsOf(answer: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(answer) ? answer : [];
}
