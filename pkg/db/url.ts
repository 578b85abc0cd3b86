/** Reads database URLs. No text of this file ever holds the URL: it has the password in it. */
import { Secret } from "../config/mod.ts";
import { publicFault } from "../fault/mod.ts";

/** Where a MySQL-compatible server is, and as whom to use it. */
export interface MysqlAddress {
  readonly kind: "mysql";
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret;
  readonly database: string;
  readonly tls: boolean;
}

/** Where a SQLite database is: a file, or `:memory:`. */
export interface SqliteAddress {
  readonly kind: "sqlite";
  readonly path: string;
}

const MYSQL_PORT = 3306;
const FORMS = '"mysql://user:password@host:3306/database", "sqlite:///path/file.db" or "sqlite::memory:"';

/** @throws `invalid_argument` that says what is wrong without quoting the URL */
export function parseDatabaseUrl(url: Secret): MysqlAddress | SqliteAddress {
  const text = url.reveal();
  if (text.startsWith("sqlite:")) return sqliteAddress(text);
  if (!text.startsWith("mysql://") || !URL.canParse(text)) {
    throw publicFault("invalid_argument", `Cannot open the database: its URL must look like ${FORMS}.`);
  }
  const parsed = new URL(text);
  const database = decodeURIComponent(parsed.pathname.slice(1));
  if (database === "" || parsed.hostname === "") {
    throw publicFault(
      "invalid_argument",
      `Cannot open the database: its URL must name host and database, like ${FORMS}.`,
    );
  }
  const unknown = [...parsed.searchParams.keys()].filter((name) => name !== "tls");
  if (unknown.length > 0) {
    throw publicFault(
      "invalid_argument",
      `Cannot open the database: its URL has unknown parameters (${
        unknown.join(", ")
      }); "tls" is the only one.`,
    );
  }
  return {
    kind: "mysql",
    host: parsed.hostname.replace(/^\[|\]$/g, ""),
    port: parsed.port === "" ? MYSQL_PORT : Number(parsed.port),
    user: decodeURIComponent(parsed.username),
    password: new Secret(decodeURIComponent(parsed.password)),
    database,
    tls: parsed.searchParams.get("tls") === "true",
  };
}

function sqliteAddress(text: string): SqliteAddress {
  const path = text.slice("sqlite:".length).replace(/^\/\//, "");
  if (path === "") {
    throw publicFault(
      "invalid_argument",
      `Cannot open the database: its URL must name a file, like ${FORMS}.`,
    );
  }
  return { kind: "sqlite", path };
}
