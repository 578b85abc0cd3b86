/**
 * A MySQL-compatible server for tests: MariaDB from the system's packages, one per test process.
 *
 * ```ts
 * const server = await mysqlServer();            // undefined when none is installed
 * const schema = await server?.createSchema();   // an empty database of its own
 * await schema?.drop();
 * ```
 *
 * `deno test` runs each file in an isolate of its own, so the server's address is passed on through the process's
 * environment. A watcher process ends the server and deletes its data when the test process is gone, however it ended.
 * `UNKEY_TEST_MYSQL_URL` names a running server to use instead.
 *
 * @module
 */
import { createConnection } from "mysql2";
import { Secret } from "../config/mod.ts";
import { freePort } from "./ports.ts";

/** An empty database on the test server. */
export interface TestSchema {
  readonly url: Secret;
  drop(): Promise<void>;
}

/** A running server that the tests may use as they like. */
export interface TestMysqlServer {
  createSchema(): Promise<TestSchema>;
  /** Runs one statement as the server's administrator. */
  administrate(sql: string): Promise<unknown>;
}

const GIVEN = "UNKEY_TEST_MYSQL_URL";
const STARTED = "UNKEY_TEST_MYSQL_STARTED";
const SYSTEM_TABLES = ["mysql_system_tables", "mysql_system_tables_data"].map((name) =>
  `/usr/share/mysql/${name}.sql`
);
/** Options of a server for tests: reachable from this machine only, and fast rather than safe. */
export const MARIADB_FLAGS: readonly string[] = [
  "--no-defaults",
  "--user=root",
  "--bind-address=127.0.0.1",
  "--skip-log-bin",
  "--performance-schema=OFF",
  "--innodb-buffer-pool-size=32M",
  "--innodb-flush-log-at-trx-commit=0",
  "--innodb-doublewrite=0",
  "--skip-name-resolve",
  "--max-connections=300",
];
const READY_MS_MAX = 180_000;
const STARTS_MAX = 3;

/** The server of this process, started at the first call; `undefined` when no server program is installed. */
export async function mysqlServer(): Promise<TestMysqlServer | undefined> {
  const url = Deno.env.get(GIVEN) ?? Deno.env.get(STARTED) ?? await start();
  if (url === undefined) return undefined;
  Deno.env.set(STARTED, url);
  return {
    administrate: (sql) => execute(url, sql),
    async createSchema(): Promise<TestSchema> {
      const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
      await execute(url, `create database ${name} character set utf8mb4 collate utf8mb4_bin`);
      const target = new URL(url);
      target.pathname = `/${name}`;
      return {
        url: new Secret(target.href),
        drop: async () => void await execute(url, `drop database if exists ${name}`),
      };
    },
  };
}

/** True when a server is installed; none is started to find out. */
export function hasMysqlServer(): boolean {
  return Deno.env.get(GIVEN) !== undefined || Deno.env.get(STARTED) !== undefined ||
    findProgram("mariadbd") !== undefined;
}

async function start(): Promise<string | undefined> {
  const program = findProgram("mariadbd");
  if (program === undefined) return undefined;
  for (let attempt = 1;; attempt++) {
    const folder = await Deno.makeTempDir({ prefix: "unkey-test-mariadb-" });
    await initialiseMariadb(program, `${folder}/data`);
    const port = freePort();
    launch(program, folder, port);
    const url = `mysql://root@127.0.0.1:${port}/mysql`;
    const problem = await becomesReady(url, folder);
    if (problem === undefined) return url;
    if (attempt === STARTS_MAX) throw new Error(`MariaDB does not start: ${problem}`);
  }
}

/** Starts the server below a shell that watches this process, so that nothing is left behind even after a kill. */
function launch(program: string, folder: string, port: number): void {
  const watcher = `
    "$1" ${MARIADB_FLAGS.join(" ")} --datadir="$2/data" --socket="$2/socket" --pid-file="$2/pid" \
      --port="$3" >"$2/log" 2>&1 &
    server=$!
    while kill -0 "$4" 2>/dev/null && kill -0 "$server" 2>/dev/null; do sleep 0.5; done
    kill -9 "$server" 2>/dev/null
    wait "$server" 2>/dev/null
    while kill -0 "$4" 2>/dev/null; do sleep 0.5; done
    rm -rf "$2"
  `;
  const child = new Deno.Command("setsid", {
    args: ["sh", "-c", watcher, "watcher", program, folder, String(port), String(Deno.pid)],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  child.unref();
}

/** Makes the system tables, with a root user that needs no password and is reachable from this machine only. */
export async function initialiseMariadb(program: string, folder: string): Promise<void> {
  await Deno.mkdir(folder);
  const scripts = await Promise.all(SYSTEM_TABLES.map((file) => Deno.readTextFile(file)));
  const child = new Deno.Command(program, {
    args: [
      "--no-defaults",
      "--bootstrap",
      "--user=root",
      `--datadir=${folder}`,
      "--innodb-log-file-size=16M",
    ],
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const input = ["create database mysql;", "use mysql;", "set @auth_root_socket = null;", ...scripts].join(
    "\n",
  );
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stderr } = await child.output();
  if (!success) {
    throw new Error(`MariaDB cannot be set up: ${new TextDecoder().decode(stderr).slice(-2_000)}`);
  }
}

/** Waits until the server answers; otherwise says why it does not. */
export async function becomesReady(url: string, folder: string): Promise<string | undefined> {
  const deadline = performance.now() + READY_MS_MAX;
  for (;;) {
    try {
      await execute(url, "select 1");
      return undefined;
    } catch (error) {
      const log = await Deno.readTextFile(`${folder}/log`).catch(() => "");
      if (performance.now() > deadline || /\[ERROR\] Aborting/.test(log)) {
        return `${String(error)}\n${log.slice(-2_000)}`;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Runs one statement on a connection of its own. */
export function execute(url: string, sql: string): Promise<unknown> {
  const target = new URL(url);
  return new Promise((resolve, reject) => {
    const connection = createConnection({
      host: target.hostname,
      port: Number(target.port),
      user: decodeURIComponent(target.username),
      password: decodeURIComponent(target.password),
      connectTimeout: 30_000,
    });
    // Also reported to the query; without a listener it would end the process.
    connection.on("error", reject);
    connection.query(sql, (error, rows) => {
      if (error !== null) {
        connection.destroy();
        return reject(error);
      }
      connection.end(() => resolve(rows));
    });
  });
}

/** The path of an installed program, also where PATH lacks the system's folders. */
export function findProgram(name: string): string | undefined {
  for (
    const folder of [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/usr/bin", "/usr/local/bin"]
  ) {
    try {
      if (folder !== "" && Deno.statSync(`${folder}/${name}`).isFile) return `${folder}/${name}`;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}
