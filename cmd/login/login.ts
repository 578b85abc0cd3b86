/** `unkey login`: checks a root key, or gets one for a one-time code, and stores it. */
import { hostname } from "node:os";
import { resolve } from "node:path";
import { defineCommand, type Process } from "../../pkg/cli/mod.ts";
import { credentialsPath, readCredentials, writeCredentials } from "../shared/credentials.ts";
import { type ConfigOf, Secret } from "../../pkg/config/mod.ts";
import { isFault, publicFault } from "../../pkg/fault/mod.ts";
import { createRpcClient, fromConnectError } from "../../pkg/rpc/mod.ts";
import { isLoginCode } from "../../pkg/uid/mod.ts";
import { AdminService, type WhoAmIResponse } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import {
  caFileOf,
  CONNECT_FIELDS,
  type Connection,
  LOCAL_API_URL,
  waysTo,
  withAdvice,
} from "../shared/connect.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";

const FIELDS = { ...CONNECT_FIELDS, json: JSON_FIELD };

/** `unkey login` */
export const command = defineCommand({
  fields: FIELDS,
  positionals: [{
    name: "url",
    help: "URL of the control plane, e.g. https://api.apps.example.com; the same as --api-base-url.",
    required: false,
  }],
  notes:
    `The root key comes from UNKEY_ROOT_KEY, else you are asked for it, else it is read from standard input.
In its place you may give a one-time code, such as K7M2-9QXP, which the operator makes with
"unkey admin login-codes create". The key is stored, readable by you only, for all later commands, and
with it the path that --ca-file gives.
"unkey up" logs you in by itself.`,
  async run({ config, positionals: [url] }, process) {
    const { directories, stdout } = process;
    const { profile } = config;
    const stored = await readCredentials(directories.config, profile);
    const baseUrl = checkUrl(url ?? config.apiBaseUrl ?? stored?.apiBaseUrl ?? LOCAL_API_URL);
    const caFile = caFileOf(config.caFile, stored, baseUrl);
    const ways = await waysTo(baseUrl, caFile, process);
    const rootKey = config.rootKey ??
      await keyFor(await askForKey(baseUrl, process), { baseUrl, ...ways }, process.signal);
    const who = await whoAmI({ baseUrl, token: rootKey, ...ways }, process.signal);
    // A relative path would mean another file in another folder.
    const trusted = caFile === undefined ? {} : { caFile: resolve(process.cwd, caFile) };
    const login = { apiBaseUrl: baseUrl, rootKey, workspaceSlug: who.workspaceSlug, ...trusted };
    await writeCredentials(directories.config, login, profile);
    stdout(config.json ? jsonLine(result(baseUrl, profile, who)) : sentence(config, baseUrl, who));
    if (!config.json) process.stderr(`The key is stored in ${credentialsPath(directories.config)}.\n`);
  },
});

function checkUrl(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return given.replace(/(?<!\/)\/+$/, "");
  const text =
    `The control plane's URL (UNKEY_API_BASE_URL) must be an http:// or https:// URL: got "${given}".`;
  throw publicFault("invalid_argument", text);
}

async function askForKey(baseUrl: string, process: Process): Promise<Secret> {
  const { prompts, terminal, signal } = process;
  let key: string | undefined;
  if (prompts !== undefined) {
    key = await prompts.password({ message: `Root key or one-time code for ${baseUrl}` });
    if (key === undefined) throw new DOMException("Nothing was stored.", "AbortError");
  } else if (!terminal.stdin) key = await untilAborted(process.readStdin(), signal);
  const trimmed = key?.trim() ?? "";
  if (trimmed !== "") return new Secret(trimmed);
  throw publicFault(
    "unauthenticated",
    "There is no root key to log in with: set UNKEY_ROOT_KEY, or give the key or a one-time code on standard input.",
  );
}

/** A one-time code is exchanged for a root key of this machine's; a root key is taken as it is. */
async function keyFor(
  given: Secret,
  plane: Omit<Connection, "token">,
  signal: AbortSignal,
): Promise<Secret> {
  const code = given.reveal();
  if (!isLoginCode(code)) return given;
  try {
    const admin = createRpcClient(AdminService, plane);
    const { key } = await admin.exchangeLoginCode({ code, keyName: `login from ${hostname()}` }, { signal });
    return new Secret(key);
  } catch (error) {
    const fault = fromConnectError(error);
    throw isFault(fault, "unauthenticated") ? fault : withAdvice(fault, plane.baseUrl);
  }
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** The owner of the key. @throws `unauthenticated` when the control plane does not know it */
async function whoAmI(connection: Connection, signal: AbortSignal): Promise<WhoAmIResponse> {
  try {
    return await createRpcClient(AdminService, connection).whoAmI({}, { signal });
  } catch (error) {
    const fault = fromConnectError(error);
    if (!isFault(fault, "unauthenticated")) throw withAdvice(fault, connection.baseUrl);
    const text =
      `${connection.baseUrl} does not accept this root key. Nothing was stored: check that the key was ` +
      "copied whole, is not revoked, and belongs to this control plane (--api-base-url).";
    throw publicFault("unauthenticated", text, fault);
  }
}

function result(apiBaseUrl: string, profile: string, who: WhoAmIResponse): Readonly<Record<string, unknown>> {
  const { workspaceId, workspaceSlug, keyId, permissions } = who;
  return { apiBaseUrl, profile, workspace: workspaceSlug, workspaceId, keyId, permissions };
}

function sentence(config: ConfigOf<typeof FIELDS>, baseUrl: string, who: WhoAmIResponse): string {
  const as = config.profile === "default" ? "" : ` as the profile "${config.profile}"`;
  return `Logged in to ${baseUrl}, workspace ${who.workspaceSlug}${as}.\n`;
}
