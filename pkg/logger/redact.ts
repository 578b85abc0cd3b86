/** The last line of defence: values that should not have come here. Secrets are wrapped in `Secret`, which prints none. */

const REDACTED = "[redacted]";
/** Names of fields whose values are secrets, in lower case without `_` and `-`. */
const SECRET_NAMES = new Set([
  "accesskeysecret",
  "apikey",
  "authorization",
  "bearer",
  "cookie",
  "credentials",
  "databaseurl",
  "dsn",
  "masterkey",
  "masterkeys",
  "passphrase",
  "password",
  "privatekey",
  "privatekeypem",
  "proxyauthorization",
  "rootkey",
  "secret",
  "secretaccesskey",
  "servicetoken",
  "setcookie",
  "signingkey",
  "token",
]);
/** User and password of a URL, as errors of drivers and proxies quote them. */
const URL_PASSWORD = /(?<=:\/\/)[^\s/@:]{0,128}:[^\s/@]{1,256}(?=@)/g;
const BEARER = /(?<=\b(?:Bearer|Basic) )[\w.~+/=-]{8,4096}/g;
/** Tokens of the platform, by the prefixes that they have. */
const TOKEN = /\b(?:unkey|region|sentinel)_[A-Za-z0-9]{16,256}/g;
/** A key in PEM, also with the line breaks of JSON. */
const PEM_KEY = /-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----[^-]{0,16384}/g;

/** Names that were judged before: there are few. */
const judged = new Map<string, boolean>();
const JUDGED_MAX = 1_000;

/** The value as it may be logged under the name `key`. */
export function redacted(key: string, value: unknown): unknown {
  if (isSecretName(key) && value !== undefined && value !== null && typeof value !== "boolean") {
    return REDACTED;
  }
  return typeof value === "string" ? withoutSecrets(value) : value;
}

function isSecretName(key: string): boolean {
  const known = judged.get(key);
  if (known !== undefined) return known;
  const isSecret = SECRET_NAMES.has(key.toLowerCase().replaceAll(/[_-]/g, ""));
  if (judged.size < JUDGED_MAX) judged.set(key, isSecret);
  return isSecret;
}

/** Most texts have none of the signs, and cost four searches. */
function withoutSecrets(text: string): string {
  let clean = text;
  if (clean.includes("://")) clean = clean.replaceAll(URL_PASSWORD, REDACTED);
  if (clean.includes("Bearer ") || clean.includes("Basic ")) clean = clean.replaceAll(BEARER, REDACTED);
  if (clean.includes("PRIVATE KEY")) clean = clean.replaceAll(PEM_KEY, REDACTED);
  if (clean.length > 20 && clean.includes("_")) clean = clean.replaceAll(TOKEN, REDACTED);
  return clean;
}
