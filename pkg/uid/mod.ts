/**
 * Identifiers: `prefix_` and base58 of four bytes of time and eight random ones, so that they sort roughly by age.
 *
 * ```ts
 * const id = newId("deployment", clock.now()); // "d_2gBnv…", a DeploymentId
 * ```
 *
 * Each kind is a type of its own: swapping two ids is the bug that no test looks for.
 *
 * @module
 */
import { Fault } from "../fault/mod.ts";

/** The kinds of identifier and the prefix of each. */
const PREFIXES = {
  workspace: "ws",
  project: "proj",
  environment: "env",
  environmentVariable: "evar",
  deployment: "d",
  instance: "ins",
  route: "ir",
  upload: "build",
  pack: "pack",
  context: "ctx",
  rootKey: "key",
  regionToken: "rt",
  sentinel: "se",
  dataKey: "dek",
  request: "req",
  worker: "wrk",
  start: "start",
  agent: "agt",
  auditEntry: "audit",
  certificate: "cert",
  domain: "dom",
  trafficSwitch: "sw",
  gradualSwitch: "gs",
  session: "sess",
  run: "run",
  cron: "cron",
} as const;

export type IdKind = keyof typeof PREFIXES;
/** A string that is known to name an object of kind `K`. */
export type Id<K extends IdKind> = string & { readonly __id: K };
export type WorkspaceId = Id<"workspace">;
export type ProjectId = Id<"project">;
export type EnvironmentId = Id<"environment">;
export type DeploymentId = Id<"deployment">;
export type RouteId = Id<"route">;
export type UploadId = Id<"upload">;
export type StartId = Id<"start">;
export type GradualSwitchId = Id<"gradualSwitch">;

const EPOCH_SECONDS = 1_700_000_000;
const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** A new identifier; `nowMs` only makes ids sort by age, uniqueness comes from the random part. */
export function newId<K extends IdKind>(kind: K, nowMs: number): Id<K> {
  const bytes = new Uint8Array(12);
  new DataView(bytes.buffer).setUint32(0, Math.max(0, Math.floor(nowMs / 1000) - EPOCH_SECONDS));
  crypto.getRandomValues(bytes.subarray(4));
  return `${PREFIXES[kind]}_${base58(bytes)}` as Id<K>;
}

/** Takes a string as an id of `kind`, or throws `invalid_argument` naming `field`. */
export function parseId<K extends IdKind>(kind: K, field: string, value: string): Id<K> {
  const prefix = `${PREFIXES[kind]}_`;
  if (!value.startsWith(prefix) || !/^[a-zA-Z0-9]{1,60}$/.test(value.slice(prefix.length))) {
    const text = `${field} must look like "${PREFIXES[kind]}_…": got "${value.slice(0, 80)}"`;
    throw new Fault("invalid_argument", text, { publicMessage: text });
  }
  return value as Id<K>;
}

/** A random name that Kubernetes takes anywhere (RFC 1035 label): a letter, then letters and digits. */
export function newDnsName(length: number): string {
  const letters = "abcdefghijklmnopqrstuvwxyz";
  const all = `${letters}0123456789`;
  const picks = crypto.getRandomValues(new Uint32Array(length));
  return Array.from(picks, (pick, index) => {
    const set = index === 0 ? letters : all;
    return set[pick % set.length];
  }).join("");
}

/** The id of a trace: 128 random bits in hexadecimal digits. */
export function newTraceId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

/** A secret of 192 random bits, or of as many bytes, with a prefix that says what it is, e.g. `unkey_…`. */
export function newSecretToken(prefix: string, bytes = 24): string {
  return `${prefix}_${base58(crypto.getRandomValues(new Uint8Array(bytes)))}`;
}

/** Base58. Long division in small numbers: several times as fast as with a bigint, and every call gets an id. */
export function base58(bytes: Uint8Array): string {
  const digits: number[] = [];
  for (const byte of bytes) {
    let carry = byte;
    for (let index = 0; index < digits.length; index++) {
      carry += (digits[index] ?? 0) * 256;
      digits[index] = carry % 58;
      carry = Math.floor(carry / 58);
    }
    for (; carry > 0; carry = Math.floor(carry / 58)) digits.push(carry % 58);
  }
  let text = "";
  for (const byte of bytes) {
    if (byte !== 0) break;
    text += ALPHABET[0];
  }
  for (let index = digits.length - 1; index >= 0; index--) text += ALPHABET[digits[index] ?? 0];
  return text;
}

/** Without 0 and O, 1 and I, which people confuse. */
const CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const CODE_CHARACTERS = 8;

/** A code of 40 random bits that a person types, such as `K7M2-9QXP`. */
export function newLoginCode(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(CODE_CHARACTERS));
  const text = Array.from(bytes, (byte) => CODE_ALPHABET[byte % CODE_ALPHABET.length]).join("");
  return `${text.slice(0, CODE_CHARACTERS / 2)}-${text.slice(CODE_CHARACTERS / 2)}`;
}

const PASSWORD_GROUPS = 4;
const PASSWORD_GROUP_CHARACTERS = 5;

/** A password of 100 random bits that a person can read out, such as `K7M2X-9QXPA-34TRV-ZZ8HN`. */
export function newPassword(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(PASSWORD_GROUPS * PASSWORD_GROUP_CHARACTERS));
  const text = Array.from(bytes, (byte) => CODE_ALPHABET[byte % CODE_ALPHABET.length]).join("");
  return Array.from(
    { length: PASSWORD_GROUPS },
    (_, group) => text.slice(group * PASSWORD_GROUP_CHARACTERS, (group + 1) * PASSWORD_GROUP_CHARACTERS),
  ).join("-");
}

/** The code as it is compared: upper case, without hyphens and blanks. */
export function normalizedLoginCode(code: string): string {
  return code.replace(/[\s-]/g, "").toUpperCase();
}

/** True for a text that has the form of a code. */
export function isLoginCode(text: string): boolean {
  const code = normalizedLoginCode(text);
  return code.length === CODE_CHARACTERS && [...code].every((each) => CODE_ALPHABET.includes(each));
}

/** The bytes that a text in base58 stands for; `undefined` for any other text. */
export function fromBase58(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes: number[] = [];
  for (const character of text) {
    let carry = ALPHABET.indexOf(character);
    if (carry < 0) return undefined;
    for (let index = 0; index < bytes.length; index++) {
      carry += (bytes[index] ?? 0) * 58;
      bytes[index] = carry % 256;
      carry = Math.floor(carry / 256);
    }
    for (; carry > 0; carry = Math.floor(carry / 256)) bytes.push(carry % 256);
  }
  for (const character of text) {
    if (character !== ALPHABET[0]) break;
    bytes.push(0);
  }
  return Uint8Array.from(bytes.toReversed());
}
