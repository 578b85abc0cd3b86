/** The connection of a developer's commands to the control plane: its URL and the root key. */
import { resolve } from "node:path";
import type { Process } from "../../pkg/cli/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { type Profile, readCredentials } from "./credentials.ts";
import {
  type ConfigOf,
  field,
  fieldName,
  type Secret,
  secretField,
  textSchema,
} from "../../pkg/config/mod.ts";
import { type Fault, isFault, publicFault } from "../../pkg/fault/mod.ts";
import {
  CA_FILE_FIELD,
  isPlainToOthers,
  openClientTls,
  plainText,
  readAuthorities,
} from "../../pkg/tls/mod.ts";
import { fromConnectError, isAnswer } from "../../pkg/rpc/mod.ts";

const warned = new WeakSet<object>();

/** Settings of every command that calls the control plane. */
export const CONNECT_FIELDS = {
  apiBaseUrl: field({
    flag: "api-base-url",
    env: "UNKEY_API_BASE_URL",
    placeholder: "<url>",
    help: "URL of the control plane. Default: the one you are logged in to.",
    schema: textSchema(),
  }),
  ...CA_FILE_FIELD,
  profile: field({
    flag: "profile",
    env: "UNKEY_PROFILE",
    placeholder: "<name>",
    help: "Which stored login to use.",
    schema: textSchema("default"),
  }),
  rootKey: secretField({
    env: "UNKEY_ROOT_KEY",
    help: "Root key to use instead of the stored login.",
    required: false,
  }),
};

export interface Connection {
  readonly baseUrl: string;
  readonly token: Secret;
  /** Absent: the runtime's. */
  readonly fetch?: typeof fetch;
  /** A further authority, in PEM, for uploads. */
  readonly authority?: string;
  /** Absent: a root key. */
  readonly as?: "operator";
}

/** Where `unkey up` serves its API. */
export const LOCAL_API_URL = "http://127.0.0.1:7091";

/**
 * The connection that settings and the stored login give; settings win.
 *
 * @throws `unauthenticated` when there is no key at all
 */
export async function connect(
  config: ConfigOf<typeof CONNECT_FIELDS>,
  process: Pick<Process, "directories"> & CallingProcess,
): Promise<Connection> {
  const stored = await readCredentials(process.directories.config, config.profile);
  if (config.rootKey === undefined && stored !== undefined) checkOrigin(config.apiBaseUrl, stored.apiBaseUrl);
  const token = config.rootKey ?? stored?.rootKey;
  if (token === undefined) {
    throw publicFault(
      "unauthenticated",
      'You are not logged in. Run "unkey login", or set UNKEY_ROOT_KEY, or start a platform of your own with "unkey up".',
    );
  }
  const baseUrl = checkedUrl(config.apiBaseUrl ?? stored?.apiBaseUrl ?? LOCAL_API_URL);
  return { baseUrl, token, ...await waysTo(baseUrl, caFileOf(config.caFile, stored, baseUrl), process) };
}

/** The authority that was given, else that of the stored login, for its own control plane only. */
export function caFileOf(
  given: string | undefined,
  stored: Pick<Profile, "apiBaseUrl" | "caFile"> | undefined,
  baseUrl: string,
): string | undefined {
  return given ??
    (stored !== undefined && isSameOrigin(stored.apiBaseUrl, baseUrl) ? stored.caFile : undefined);
}

/** The process of a command that calls the control plane. */
export type CallingProcess = Pick<Process, "stderr" | "clock" | "cwd">;

/**
 * The parts of a connection that trust the authority of `caFile`. Warns once of a control plane on another machine that is
 * called without TLS.
 *
 * @throws `failed_precondition` when the file cannot be used
 */
export async function waysTo(
  baseUrl: string,
  caFile: string | undefined,
  process: CallingProcess,
): Promise<Pick<Connection, "fetch" | "authority">> {
  const { stderr, clock, cwd } = process;
  if (isPlainToOthers(baseUrl) && !warned.has(process)) {
    warned.add(process);
    stderr(`Warning: ${plainText(baseUrl)}\n`);
  }
  if (caFile === undefined) return {};
  const path = resolve(cwd, caFile);
  const authority = await readAuthorities({ path, setting: fieldName(CONNECT_FIELDS.caFile) });
  const trust = await openClientTls({ caFile: path }, { clock, log: silentLogger() });
  return { fetch: trust.fetch, authority };
}

/** The URL without slashes at its end. */
export function checkedUrl(given: string): string {
  const baseUrl = given.replace(/(?<!\/)\/+$/, "");
  if (URL.canParse(baseUrl)) return baseUrl;
  throw publicFault("invalid_argument", `The control plane's URL is not a URL: "${baseUrl}".`);
}

/** A stored key goes to the control plane that it was stored for and to no other. */
function checkOrigin(wanted: string | undefined, stored: string): void {
  if (wanted === undefined || isSameOrigin(wanted, stored)) return;
  throw publicFault(
    "unauthenticated",
    `The stored login is for ${stored}, not for ${wanted}. Run "unkey login --api-base-url ${wanted}", ` +
      "or set UNKEY_ROOT_KEY.",
  );
}

function isSameOrigin(one: string, other: string): boolean {
  const origin = (url: string): string => URL.canParse(url) ? new URL(url).origin : url;
  return origin(one) === origin(other);
}

/** Calls the control plane. A failure says which URL was called and how to go on. */
export async function calling<T>({ baseUrl, as }: Connection, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    // A wrong use, Ctrl-C or a bug is no answer of the control plane.
    if (!isFault(error) && !isRemote(error)) throw error;
    const fault = fromConnectError(error);
    if (as !== "operator" || fault.code !== "unauthenticated") throw withAdvice(fault, baseUrl);
    const text =
      `${baseUrl} does not accept the service token: UNKEY_AUTH_TOKEN must be what its api processes have.`;
    throw publicFault("unauthenticated", text, fault);
  }
}

/** A failed call as a fault with advice; any other error as it is. */
export function explainCallError(error: unknown, baseUrl: string): unknown {
  return isRemote(error) ? withAdvice(fromConnectError(error), baseUrl) : error;
}

function isRemote(error: unknown): boolean {
  return error instanceof Error && error.name === "ConnectError";
}

/** The fault with advice for the user. */
export function withAdvice(fault: Fault, baseUrl: string): Fault {
  const shown = fault.publicMessage ?? fault.message;
  if (fault.code === "unauthenticated") {
    return publicFault(
      "unauthenticated",
      `${baseUrl} does not accept the root key. Run "unkey login", or set UNKEY_ROOT_KEY to a key of your workspace.`,
      fault,
    );
  }
  // An answer of the control plane about one of its parts, or about a long operation, needs no advice.
  if (!isAnswer(fault) && (fault.code === "unavailable" || fault.code === "deadline_exceeded")) {
    return publicFault(fault.code, `The control plane at ${baseUrl} does not answer: ${shown}`, fault);
  }
  return fault;
}
