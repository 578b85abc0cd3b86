/**
 * Loaded before tests (`deno test --preload`): writes each statement that the store sends to MySQL into a file of the folder in
 * `UNKEY_STATEMENTS_FOLDER`, with the function that sent it and the connection. Statements of tests themselves are left out.
 */
import * as mysql from "mysql2";
import process from "node:process";
import type { RecordedStatement } from "./recorded.ts";

const FOLDER = process.env["UNKEY_STATEMENTS_FOLDER"];
const STACK_FRAMES = 60;
/** A frame of a store function; the first one is the function that made the statement. */
const STORE =
  /^\s*at (?:async )?(?:(?:Object\.|Function\.)?([\w$.<>]+) \()?file:\/\/\S*\/svc\/ctrl\/internal\/store\/([\w/]+)\.ts:/;
const TEST_FRAME = /(_test|\/testing\w*)\.ts:/;
/** Statements that prepare a connection: they belong to no function, whichever is the first to use it. */
const SESSION = /^set session (?:sql_mode|transaction) /;

/** The part of a connection of mysql2 that is wrapped. */
interface Connection {
  readonly threadId: number;
  readonly config: { readonly host: string; readonly port: number };
}

type Send = (this: Connection, options: unknown, ...rest: unknown[]) => unknown;

if (FOLDER !== undefined) record(FOLDER);

function record(folder: string): void {
  Error.stackTraceLimit = STACK_FRAMES;
  const encoder = new TextEncoder();
  const file = Deno.openSync(`${folder}/${crypto.randomUUID()}.jsonl`, { write: true, createNew: true });
  // The package's types have no prototype of its connections.
  const { prototype } = mysql.Connection as unknown as {
    readonly prototype: Record<"query" | "execute", Send>;
  };
  for (const name of ["query", "execute"] as const) {
    const send = prototype[name];
    prototype[name] = function (options, ...rest) {
      const statement = read(this, options);
      if (statement !== undefined) file.writeSync(encoder.encode(`${JSON.stringify(statement)}\n`));
      return send.call(this, options, ...rest);
    };
  }
}

function read(connection: Connection, options: unknown): RecordedStatement | undefined {
  if (typeof options !== "object" || options === null || !("sql" in options)) return undefined;
  const values = "values" in options && Array.isArray(options.values) ? options.values : [];
  return {
    connection: `${connection.config.port}/${connection.threadId}`,
    sql: String(options.sql),
    values: values.map((value) => value instanceof Uint8Array ? "bytes" : value),
    source: SESSION.test(String(options.sql)) ? "a new connection" : sourceOf(new Error().stack ?? ""),
  };
}

function sourceOf(stack: string): string {
  for (const frame of stack.split("\n")) {
    if (TEST_FRAME.test(frame)) return "";
    const [, name = "", path] = STORE.exec(frame) ?? [];
    if (path === "database" || path?.startsWith("migrations/")) return "";
    if (path !== undefined) return `${path}: ${name}`;
  }
  return "";
}
