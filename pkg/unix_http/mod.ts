/**
 * HTTP to a server that listens at a URL, or at a Unix socket of this machine, which no browser, no container and no other
 * user reaches.
 *
 * ```ts
 * const { ok, text } = await askAt("unix:///data/restate/admin.sock", "/health", { signal });
 * ```
 *
 * @module
 */

/** A whole answer. */
export interface Answered {
  readonly ok: boolean;
  readonly status: number;
  readonly text: string;
  /** The time of the server, as the header `Date` tells it. */
  readonly date: string | null;
}

const SCHEME = "unix://";
/** Of no machine: what NO_PROXY names, as this program has it name localhost, is not sent through a client's socket either. */
const HOST = "unix-socket";

/** The path of the socket that `base` names; `undefined` when it is a URL of another kind. */
export function socketOf(base: string): string | undefined {
  return base.startsWith(`${SCHEME}/`) ? base.slice(SCHEME.length) : undefined;
}

/** The base that stands for a socket. */
export function socketUrl(path: string): string {
  return `${SCHEME}${path}`;
}

/** Sends one request, and reads its answer to the end. Rejects as `fetch` does when there is none. */
export async function askAt(base: string, path: string, init: RequestInit): Promise<Answered> {
  const socket = socketOf(base);
  if (socket === undefined) return await wholeAnswer(fetch(`${base}${path}`, init));
  // Sockets are not kept open: a connection to one costs nothing.
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
  return await wholeAnswer(fetch(`http://${HOST}${path}`, { ...init, client }));
}

async function wholeAnswer(answering: Promise<Response>): Promise<Answered> {
  const response = await answering;
  const { ok, status } = response;
  return { ok, status, text: await response.text(), date: response.headers.get("date") };
}
