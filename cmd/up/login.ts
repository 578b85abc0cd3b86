import { type Profile, readCredentials, writeCredentials } from "../shared/credentials.ts";

const DEFAULT = "default";
const LOCAL = "local";

/**
 * Logs the command line in to this platform, and returns a line about it. A login to another platform stays the
 * default; this one is then kept beside it under the name `local`.
 */
export async function logIn(configDirectory: string, login: Profile): Promise<string> {
  const current = await readCredentials(configDirectory);
  await writeCredentials(configDirectory, login, LOCAL);
  if (current !== undefined && !isLocal(current)) {
    return `your login to ${current.apiBaseUrl} was kept; this one is the profile "${LOCAL}"`;
  }
  await writeCredentials(configDirectory, login, DEFAULT);
  return `workspace ${login.workspaceSlug}, as the default`;
}

/** A login that an earlier `unkey up` left, whatever its port was. */
function isLocal({ apiBaseUrl }: Profile): boolean {
  if (!URL.canParse(apiBaseUrl)) return true; // it leads nowhere
  return ["127.0.0.1", "localhost", "[::1]"].includes(new URL(apiBaseUrl).hostname);
}
