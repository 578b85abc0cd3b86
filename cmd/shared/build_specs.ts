/** The grammar of the build's settings, which is that of `docker build`. */
import { publicFault } from "../../pkg/fault/mod.ts";

/** A build argument. */
export interface ArgumentSpec {
  readonly name: string;
  /** `undefined`: the value of the variable of this name where the command runs. */
  readonly value: string | undefined;
}

/** A secret of the build. */
export interface SecretSpec {
  readonly id: string;
  readonly source:
    | { readonly kind: "env"; readonly name: string }
    | { readonly kind: "file"; readonly path: string }
    /** The variable called like the secret when it is set, else the file. */
    | { readonly kind: "either" };
}

/** A name that an argument of a build can have. */
export const ARGUMENT_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,255}$/;
/** An id that a secret of a build can have. */
export const SECRET_ID = /^[A-Za-z0-9_.-]{1,128}$/;
/** The name of a stage. */
export const TARGET = /^[A-Za-z0-9_.-]{1,128}$/;
/** `os/arch[/variant]` */
export const PLATFORM = /^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9_.]+)?$/;

/** Reads `NAME=VALUE` and `NAME`; the last one of a name holds. @throws `invalid_argument` */
export function parseArguments(texts: readonly string[]): readonly ArgumentSpec[] {
  const byName = new Map<string, ArgumentSpec>();
  for (const text of texts) {
    const equals = text.indexOf("=");
    const name = equals < 0 ? text : text.slice(0, equals);
    checkName(name);
    byName.set(name, { name, value: equals < 0 ? undefined : text.slice(equals + 1) });
  }
  return [...byName.values()];
}

/** Names of variables, each once. @throws `invalid_argument` */
export function parseVariables(names: readonly string[]): readonly string[] {
  for (const name of names) checkName(name);
  return [...new Set(names)];
}

function checkName(name: string): void {
  if (ARGUMENT_NAME.test(name)) return;
  throw wrong(
    `must begin with a name of letters, digits and underscores: got "${name.slice(0, 80)}"`,
  );
}

/** Reads secrets as `docker build --secret` does; the last one of an id holds. @throws `invalid_argument` */
export function parseSecrets(texts: readonly string[]): readonly SecretSpec[] {
  return [...new Map(texts.map(parseSecret).map((spec) => [spec.id, spec])).values()];
}

const FORM = '"id=NAME", "id=NAME,env=VARIABLE" or "id=NAME,src=FILE"';

/** The given value is not shown: where an id is expected, there may be a secret. */
function parseSecret(text: string): SecretSpec {
  const given = new Map<string, string>();
  for (const field of csvFields(text)) {
    const [, key = "", value] = /^([^=]*)=(.*)$/s.exec(field) ?? [];
    const known = KEYS[key.toLowerCase()];
    if (known === undefined || value === undefined) throw wrong(`must be ${FORM}`);
    given.set(known, value);
  }
  const [id = "", type = ""] = [given.get("id"), given.get("type")];
  if (id === "") throw wrong(`must be ${FORM}: it has no id`);
  if (!SECRET_ID.test(id)) {
    throw wrong("must have an id of at most 128 letters, digits, dots, hyphens and underscores");
  }
  if (!["", "env", "file"].includes(type)) throw wrong(`must have the type "env" or "file" for "${id}"`);
  const path = given.get("src") ?? "";
  const name = given.get("env") || (type === "env" ? path : "");
  if (name !== "") return { id, source: { kind: "env", name } };
  return { id, source: path === "" ? { kind: "either" } : { kind: "file", path } };
}

const KEYS: Readonly<Record<string, string>> = {
  id: "id",
  type: "type",
  env: "env",
  src: "src",
  source: "src",
};

/** The fields of a line of comma-separated values, of which some are in double quotes. */
function csvFields(text: string): readonly string[] {
  const fields: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/gy;
  for (let more = true; more;) {
    const match = pattern.exec(text);
    if (match === null) throw wrong(`must be ${FORM}`);
    const [, quoted, plain = "", comma] = match;
    fields.push(quoted?.replaceAll('""', '"') ?? plain);
    more = comma === ",";
  }
  return fields;
}

/** The text that `parseSecrets` reads as a secret from this variable or file. */
export function secretText(id: string, key: "env" | "src", value: string): string {
  return `id=${id},"${key}=${value.replaceAll('"', '""')}"`;
}

function wrong(text: string): Error {
  return publicFault("invalid_argument", text);
}
