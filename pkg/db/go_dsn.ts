/** Reads addresses in the form of Go's MySQL driver: `user:password@tcp(host:3306)/database?parseTime=true`. */

/** The parts of an address, as they are written there. */
export interface DsnParts {
  readonly user: string;
  readonly password: string;
  /** A host or a path of a socket; empty: the driver's default. */
  readonly place: string;
  readonly isSocket: boolean;
  readonly database: string;
  readonly parameters: URLSearchParams;
}

/** Parameters that say how that driver behaves, which is fixed here: times are integers, texts are utf8mb4. */
export const DSN_PARAMETERS_IGNORED: ReadonlySet<string> = new Set([
  "allowNativePasswords",
  "charset",
  "checkConnLiveness",
  "clientFoundRows",
  "collation",
  "columnsWithAlias",
  "interpolateParams",
  "loc",
  "maxAllowedPacket",
  "multiStatements",
  "parseTime",
  "rejectReadOnly",
]);

/** The parts of `text`, or `undefined` when it has another form. The password may hold any character. */
export function parseGoDsn(text: string): DsnParts | undefined {
  // The last slash begins the database, the last @ before it ends the password: both as that driver reads it.
  const slash = text.lastIndexOf("/");
  if (slash < 0) return undefined;
  const at = text.lastIndexOf("@", slash);
  const credentials = at < 0 ? "" : text.slice(0, at);
  const colon = credentials.indexOf(":");
  const network = /^(?:(tcp|unix)(?:\((.*)\))?)?$/s.exec(text.slice(at + 1, slash));
  if (network === null) return undefined;
  const [, protocol = "tcp", place = ""] = network;
  const [database, query] = split(text.slice(slash + 1), "?");
  return {
    user: colon < 0 ? credentials : credentials.slice(0, colon),
    password: colon < 0 ? "" : credentials.slice(colon + 1),
    place,
    isSocket: protocol === "unix",
    database: decodeURIComponent(database),
    parameters: new URLSearchParams(query),
  };
}

function split(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator);
  return index < 0 ? [text, ""] : [text.slice(0, index), text.slice(index + 1)];
}
