/** Reads addresses of databases. No text of this file ever holds one: it has the password in it. */
import { Secret } from "../config/mod.ts";
import { publicFault } from "../fault/mod.ts";
import { DSN_PARAMETERS_IGNORED, type DsnParts, parseGoDsn } from "./go_dsn.ts";

/** Encryption of a connection, with or without a proof of the name of the server. */
export type MysqlTls = "off" | "verified" | "unverified";

/** Where a MySQL-compatible server is, and as whom to use it. */
export interface MysqlAddress {
  readonly kind: "mysql";
  readonly host: string;
  readonly port: number;
  /** Instead of host and port. */
  readonly socketPath?: string;
  readonly user: string;
  readonly password: Secret;
  readonly database: string;
  readonly tls: MysqlTls;
}

/** Where a SQLite database is: a file, or `:memory:`. */
export interface SqliteAddress {
  readonly kind: "sqlite";
  readonly path: string;
}

const MYSQL_PORT = 3306;
const FORMS = '"mysql://user:password@host:3306/database", "user:password@tcp(host:3306)/database", ' +
  '"sqlite:///path/file.db" or "sqlite::memory:"';
const TLS_WORDS: Readonly<Record<string, MysqlTls>> = {
  "true": "verified",
  "false": "off",
  "skip-verify": "unverified",
};

/** @throws `invalid_argument` that says what is wrong without quoting the address */
export function parseDatabaseUrl(url: Secret): MysqlAddress | SqliteAddress {
  const text = url.reveal();
  if (text.startsWith("sqlite:")) return sqliteAddress(text);
  if (text.startsWith("mysql://")) return URL.canParse(text) ? urlAddress(new URL(text)) : refuse();
  const parts = text.includes("://") ? undefined : parseGoDsn(text);
  return parts === undefined ? refuse() : dsnAddress(parts);
}

/** Host and port of a database that is reached over the network; none for files and sockets. */
export function databaseEndpoint(url: Secret): { readonly host: string; readonly port: number } | undefined {
  const address = parseDatabaseUrl(url);
  return address.kind === "mysql" && address.socketPath === undefined
    ? { host: address.host, port: address.port }
    : undefined;
}

function refuse(): never {
  throw publicFault("invalid_argument", `Cannot open the database: its URL must look like ${FORMS}.`);
}

function urlAddress(parsed: URL): MysqlAddress {
  return {
    kind: "mysql",
    host: required(parsed.hostname).replace(/^\[|\]$/g, ""),
    port: parsed.port === "" ? MYSQL_PORT : Number(parsed.port),
    user: decodeURIComponent(parsed.username),
    password: new Secret(decodeURIComponent(parsed.password)),
    database: required(decodeURIComponent(parsed.pathname.slice(1))),
    tls: tlsOf(parsed.searchParams, new Set()),
  };
}

function dsnAddress({ user, password, place, isSocket, database, parameters }: DsnParts): MysqlAddress {
  const [, host = "", port] = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(place) ?? [];
  if (!isSocket && (place !== "" && host === "" || Number(port ?? 1) > 65_535)) refuse();
  return {
    kind: "mysql",
    host: isSocket ? "localhost" : host.replace(/^\[|\]$/g, "") || "127.0.0.1",
    port: Number(port ?? MYSQL_PORT),
    ...(isSocket ? { socketPath: required(place) } : {}),
    user,
    password: new Secret(password),
    database: required(database),
    tls: tlsOf(parameters, DSN_PARAMETERS_IGNORED),
  };
}

function required(part: string): string {
  if (part !== "") return part;
  throw publicFault(
    "invalid_argument",
    `Cannot open the database: its URL must name host and database, like ${FORMS}.`,
  );
}

function tlsOf(parameters: URLSearchParams, ignored: ReadonlySet<string>): MysqlTls {
  const unknown = [...parameters.keys()].filter((name) => name !== "tls" && !ignored.has(name));
  if (unknown.length > 0) {
    throw publicFault(
      "invalid_argument",
      `Cannot open the database: its URL has unknown parameters (${unknown.join(", ")}); "tls" is the only ` +
        "one that counts. Time limits and the size of the pool are settings: --database-pool-size and others.",
    );
  }
  const tls = TLS_WORDS[parameters.get("tls") ?? "false"];
  if (tls !== undefined) return tls;
  throw publicFault(
    "invalid_argument",
    'Cannot open the database: "tls" in its URL must be true, false or skip-verify.',
  );
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
