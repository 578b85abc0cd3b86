/**
 * Checks of requests: each takes a field's name and value and returns the value to use, or throws `invalid_argument`
 * with the field, the allowed values and the given one.
 *
 * @module
 */
import { Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import { variableNameProblem } from "../../../../pkg/variables/mod.ts";

const SHOWN_MAX = 80;

/** The fault for a field: `problem` states the rule. */
export function invalid(field: string, problem: string, value?: string): Fault {
  const given = value === undefined ? "" : `: got "${value.slice(0, SHOWN_MAX)}"`;
  return publicFault("invalid_argument", `${field} ${problem}${given}`);
}

/** Text that is not empty and at most `lengthMax` characters long, without control characters. */
export function text(field: string, value: string, lengthMax: number): string {
  if (value === "") throw invalid(field, "is required");
  return optionalText(field, value, lengthMax);
}

/** The same, and may be empty. */
export function optionalText(field: string, value: string, lengthMax: number): string {
  if (value.length > lengthMax) throw invalid(field, `must have at most ${lengthMax} characters`);
  // deno-lint-ignore no-control-regex -- it looks for control characters
  if (/[\x00-\x1f\x7f]/.test(value)) throw invalid(field, "must not contain control characters");
  return value;
}

/**
 * The same for a text that is looked up, or is there once: MySQL compares without the blanks at the end, SQLite with them,
 * so that `k` and `k ` would be one there and two here.
 */
export function key(field: string, value: string, lengthMax: number): string {
  if (value === "") throw invalid(field, "is required");
  return optionalKey(field, value, lengthMax);
}

/** The same, and may be empty. */
export function optionalKey(field: string, value: string, lengthMax: number): string {
  if (value.trim() === value) return optionalText(field, value, lengthMax);
  throw invalid(field, "must not begin or end with white space");
}

/** A name that becomes part of host names. */
export function slug(field: string, value: string): string {
  if (value === "") throw invalid(field, "is required");
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value)) return value;
  const rule = "must have at most 63 lower-case letters, digits and hyphens, and no hyphen at its ends";
  throw invalid(field, rule, value);
}

const ENVIRONMENT_SLUG_CHARACTERS_MAX = 40;

/** The name of an environment: short enough to be recognized in a host name, and no start of a branch's. */
export function environmentSlug(field: string, value: string): string {
  const name = slug(field, value);
  if (name.length > ENVIRONMENT_SLUG_CHARACTERS_MAX) {
    throw invalid(field, `must have at most ${ENVIRONMENT_SLUG_CHARACTERS_MAX} characters`, value);
  }
  if (name !== "git" && !name.startsWith("git-")) return name;
  throw invalid(field, 'must not begin with "git": host names of branches and commits do', value);
}

/** The name of an environment variable. */
export function variableName(field: string, value: string): string {
  const problem = variableNameProblem(value);
  if (problem === undefined) return value;
  throw invalid(field, problem, value);
}

/** The name of a build argument. */
export function argumentName(field: string, value: string): string {
  if (value.length <= 256 && /^[A-Za-z_][A-Za-z0-9_]*$/.test(value)) return value;
  const rule =
    "must be letters, digits and underscores, not begin with a digit, and have at most 256 characters";
  throw invalid(field, rule, value);
}

/** A TCP port that an app can listen on; 0 stands for `fallback`. */
export function port(field: string, value: number, fallback: number): number {
  if (value === 0) return fallback;
  if (value >= 1 && value <= 65_535) return value;
  throw invalid(field, "must be between 1 and 65535", String(value));
}

const DOMAIN = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const IMAGE = new RegExp(
  `^(?:${DOMAIN}(?:\\.${DOMAIN})*(?::[0-9]{1,5})?/)?${COMPONENT}(?:/${COMPONENT})*` +
    "(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[a-f0-9]{64})?$",
);

/** Engines run an image by its id too, of any owner. */
const IMAGE_ID = /^(?:sha256:)?[a-f0-9]{64}$/;

/** A container image: `[registry[:port]/]name[:tag][@sha256:digest]`. */
export function imageReference(field: string, value: string): string {
  if (value === "") throw invalid(field, "is required");
  if (value.length <= 255 && IMAGE.test(value) && !IMAGE_ID.test(value)) return value;
  throw invalid(
    field,
    'must be an image like "nginx:1.29" or "registry.example.com/team/app@sha256:..."',
    value,
  );
}

const COMMAND_WORDS_MAX = 64;
const COMMAND_BYTES_MAX = 16_384;

/** The command that replaces the image's own. */
export function command(field: string, words: readonly string[]): readonly string[] {
  if (words.length > COMMAND_WORDS_MAX) throw invalid(field, `must have at most ${COMMAND_WORDS_MAX} words`);
  const bytes = words.reduce((sum, word) => sum + byteLength(word), 0);
  if (bytes > COMMAND_BYTES_MAX) throw invalid(field, `must have at most ${COMMAND_BYTES_MAX} bytes in all`);
  if (words.some((word) => word.includes("\0"))) throw invalid(field, "must not contain NUL");
  return words;
}

/** Path of the Dockerfile within the build context; empty stands for `Dockerfile`. */
export function dockerfilePath(field: string, value: string): string {
  const path = optionalText(field, value, 512).replace(/^(?:\.\/+)+/, "");
  if (path === "") return "Dockerfile";
  const escapes = path.startsWith("/") || path.split("/").includes("..");
  if (escapes || path.endsWith("/")) throw invalid(field, "must be a path within the build context", value);
  return path;
}

/** Path of a health check, empty for none. */
export function healthCheckPath(field: string, value: string): string {
  if (value === "" || (value.length <= 512 && /^\/[\x21-\x7e]*$/.test(value))) return value;
  throw invalid(field, 'must begin with "/" and contain no spaces, with at most 512 characters', value);
}

/** `host:port`, with brackets around an IPv6 address. */
export function hostPort(field: string, value: string): string {
  if (/^(?:[A-Za-z0-9.-]{1,246}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}$/.test(value)) return value;
  throw invalid(field, "must be host:port", value);
}

/** Cuts text to a number of bytes without splitting a character. */
export function cutToBytes(value: string, bytesMax: number): string {
  const bytes = new TextEncoder().encode(value);
  if (bytes.length <= bytesMax) return value;
  let end = bytesMax;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return new TextDecoder().decode(bytes.subarray(0, end));
}

/** Length in UTF-8. */
export function byteLength(value: string): number {
  return new TextEncoder().encode(value).length;
}

/** Entries on a page: `size` within bounds, `fallback` for 0. */
export function pageSize(size: number, fallback: number, max: number): number {
  if (size < 0) throw invalid("page_size", "must not be negative", String(size));
  return size === 0 ? fallback : Math.min(size, max);
}

/** A version that this server could have given out. */
export function version(field: string, value: bigint): number {
  if (value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw invalid(field, "must be between 0 and 2^53 - 1", String(value));
}
