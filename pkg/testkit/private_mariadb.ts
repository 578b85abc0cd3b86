import { Secret } from "../config/mod.ts";
import { killChild } from "./commands.ts";
import { becomesReady, execute, findProgram, initialiseMariadb, MARIADB_FLAGS } from "./mariadb.ts";
import { freePort } from "./ports.ts";

/** A MariaDB server with options of its own, for one test. Dispose of it, or its process and its data stay. */
export class PrivateMariadb implements AsyncDisposable {
  readonly port = freePort();
  readonly #folder: string;
  readonly #flags: readonly string[];
  #process: Deno.ChildProcess | undefined;

  private constructor(folder: string, flags: readonly string[]) {
    this.#folder = folder;
    this.#flags = flags;
  }

  static async start(flags: readonly string[]): Promise<PrivateMariadb> {
    const server = new PrivateMariadb(await Deno.makeTempDir({ prefix: "unkey-test-mariadb-" }), flags);
    try {
      await initialiseMariadb(program(), `${server.#folder}/data`);
      await server.restart();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  get socketPath(): string {
    return `${this.#folder}/socket`;
  }

  /** A URL of the database `name`. */
  url(name: string): Secret {
    return new Secret(`mysql://root@127.0.0.1:${this.port}/${name}`);
  }

  async administrate(sql: string): Promise<unknown> {
    return await execute(this.url("mysql").reveal(), sql);
  }

  /** Starts the server that `kill` has ended, with the same data. */
  async restart(): Promise<void> {
    const folder = this.#folder;
    this.#process = new Deno.Command("sh", {
      args: ["-c", 'exec "$@" >"$0" 2>&1', `${folder}/log`, program(), ...MARIADB_FLAGS, ...this.#flags]
        .concat([
          `--datadir=${folder}/data`,
          `--socket=${folder}/socket`,
          `--pid-file=${folder}/pid`,
          `--port=${this.port}`,
        ]),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const problem = await becomesReady(this.url("mysql").reveal(), folder);
    if (problem !== undefined) throw new Error(`MariaDB does not start: ${problem}`);
  }

  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child !== undefined) await killChild(child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** A primary and a replica that follows it by GTIDs. Dispose of both. */
export async function startPair(): Promise<{ primary: PrivateMariadb; replica: PrivateMariadb }> {
  await using stack = new AsyncDisposableStack();
  const primary = stack.use(await PrivateMariadb.start(["--server-id=1", "--log-bin=changes"]));
  const replica = stack.use(await PrivateMariadb.start(["--server-id=2"]));
  await replica.administrate(
    `change master to master_host = '127.0.0.1', master_port = ${primary.port}, master_user = 'root',
      master_use_gtid = slave_pos, master_connect_retry = 1`,
  );
  await replica.administrate("start slave");
  stack.move();
  return { primary, replica };
}

/** Makes the replica apply each change so much later. */
export async function delay(replica: PrivateMariadb, seconds: number): Promise<void> {
  for (const sql of ["stop slave", `change master to master_delay = ${seconds}`, "start slave"]) {
    await replica.administrate(sql);
  }
}

function program(): string {
  const found = findProgram("mariadbd");
  if (found === undefined) throw new Error("no MariaDB is installed");
  return found;
}
