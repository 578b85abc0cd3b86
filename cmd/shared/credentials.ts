import { chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Secret } from "../../pkg/secret/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { newDnsName } from "../../pkg/uid/mod.ts";

/** A stored login. */
export interface Profile {
  readonly apiBaseUrl: string;
  readonly rootKey: Secret;
  readonly workspaceSlug: string;
  /** Absolute path of the authority that the login was made with; absent: none. */
  readonly caFile?: string | undefined;
}

/** The file's path below the user's config folder. */
export function credentialsPath(configDirectory: string): string {
  return join(configDirectory, "credentials.json");
}

/**
 * The stored login, or `undefined` when there is none.
 *
 * @throws `failed_precondition` when the file is there and cannot be used
 */
export async function readCredentials(
  configDirectory: string,
  profile = "default",
): Promise<Profile | undefined> {
  const path = credentialsPath(configDirectory);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw unusable(path, error);
  }
  const profiles = parseProfiles(text, path);
  const stored = profiles[profile];
  if (stored === undefined) return undefined;
  const { apiBaseUrl, rootKey, workspaceSlug, caFile } = stored;
  if (typeof apiBaseUrl !== "string" || typeof rootKey !== "string") throw unusable(path, undefined);
  return {
    apiBaseUrl,
    rootKey: new Secret(rootKey),
    workspaceSlug: typeof workspaceSlug === "string" ? workspaceSlug : "",
    ...(typeof caFile === "string" ? { caFile } : {}),
  };
}

/**
 * Stores a login under its profile and keeps the others. Only the owner can read the file, from its first byte on, and
 * a reader sees the old file or the new one, never a part.
 */
export async function writeCredentials(
  configDirectory: string,
  login: Profile,
  profile = "default",
): Promise<void> {
  const path = credentialsPath(configDirectory);
  const others = await readFile(path, "utf8").then(
    (text) => parseProfiles(text, path),
    (error: unknown) => {
      if (hasCode(error, "ENOENT")) return {};
      throw unusable(path, error);
    },
  );
  const { rootKey, ...rest } = login;
  const profiles = { ...others, [profile]: { ...rest, rootKey: rootKey.reveal() } };
  const temporary = `${path}.${newDnsName(8)}`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await writeFile(temporary, `${JSON.stringify({ profiles }, undefined, 2)}\n`, {
      mode: 0o600,
      flag: "wx",
    });
    await chmod(temporary, 0o600);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw publicFault(
      "failed_precondition",
      `The login cannot be stored in ${path}: ${reason(error)}.`,
      error,
    );
  }
}

type Stored = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

function parseProfiles(text: string, path: string): Stored {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the file.
    throw unusable(path, undefined);
  }
  const profiles = isRecord(value) ? value["profiles"] : undefined;
  if (!isRecord(profiles)) throw unusable(path, undefined);
  const entries = Object.entries(profiles).filter((entry): entry is [string, Record<string, unknown>] =>
    isRecord(entry[1])
  );
  return Object.fromEntries(entries);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unusable(path: string, cause: unknown): Error {
  const why = cause === undefined ? 'it does not look as "unkey login" writes it' : reason(cause);
  const text = `The stored login in ${path} cannot be used: ${why}. Remove the file, then run "unkey login".`;
  return publicFault("failed_precondition", text, cause);
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
