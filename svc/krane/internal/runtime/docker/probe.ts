import { request, type RequestOptions } from "node:http";
import { localSubnets, parseIp } from "./ipv4.ts";

import { expects, type HealthCheck } from "../../deployment/health_check.ts";

/** Where an app should answer. */
export interface ProbeTarget {
  /** One run of one container; a restart is another. */
  readonly key: string;
  /** Address in the engine's network, reachable when the engine runs on this machine; may be empty. */
  readonly ip: string;
  readonly port: number;
  /** Where the same port is published. */
  readonly published: { readonly host: string; readonly port: number };
  /** The engine's id of the container. */
  readonly container: string;
  readonly check: HealthCheck;
}

export type Answer = { readonly ok: true } | { readonly ok: false; readonly detail: string };

const CONNECT_MS = 1_000;
const ANSWER_MS = 3_000;
/** The engine's own proxy accepts for an app that does not listen, and hangs up at once. */
const HANG_UP_MS = 250;

/** The longest wait for an answer, in milliseconds. */
export function answerMsMax({ timeoutMs }: HealthCheck): number {
  return timeoutMs || ANSWER_MS;
}

/** Asks once, but for the command of a check. */
export async function probeOnce(target: ProbeTarget, signal: AbortSignal): Promise<Answer> {
  const { ip, check, port, published } = target;
  const direct = isNeighbour(ip);
  if (direct) {
    const problem = await connectProblem(ip, port, signal);
    if (problem !== undefined) return { ok: false, detail: problem };
  } else if (!await staysOpen(published.host, published.port, signal)) {
    return { ok: false, detail: "no connection" };
  }
  if (check.kind !== "http") return { ok: true };
  return await asks(direct ? { host: ip, port } : published, target, signal);
}

/** True if this machine has an interface in the network of `ip`: then, and only then, a refusal comes from the app. */
function isNeighbour(ip: string): boolean {
  const wanted = parseIp(ip);
  return wanted !== undefined && localSubnets().some(({ first, last }) => first <= wanted && wanted <= last);
}

async function connectProblem(
  hostname: string,
  port: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS)]);
  try {
    (await Deno.connect({ hostname, port, signal: limit })).close();
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof Deno.errors.ConnectionRefused ? "connection refused" : "no connection";
  }
}

/** True if a connection is accepted and not closed right away. */
async function staysOpen(hostname: string, port: number, signal: AbortSignal): Promise<boolean> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS)]);
  try {
    const connection = await Deno.connect({ hostname, port, signal: limit });
    const late = setTimeout(() => connection.close(), HANG_UP_MS);
    try {
      // A server that speaks first is alive; the end of the stream says that no app is behind the proxy.
      return await connection.read(new Uint8Array(1)) !== null;
    } catch (error) {
      // Closed by the timer: it was still open by then. Anything else came from the other side.
      return error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted;
    } finally {
      clearTimeout(late);
      try {
        connection.close();
      } catch {
        // The timer has closed it.
      }
    }
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** Not by `fetch`, which would go through the proxy that the agent's environment names. */
async function asks(
  at: ProbeTarget["published"],
  { check }: ProbeTarget,
  signal: AbortSignal,
): Promise<Answer> {
  const { path, method, host } = check;
  const answerMs = answerMsMax(check);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(answerMs)]);
  try {
    const headers = {
      "user-agent": "unkey-health-check",
      ...check.headers,
      ...(host === "" ? {} : { host }),
    };
    const status = await statusOf({ ...at, method, path, headers, signal: limit });
    return expects(check, status) ? { ok: true } : { ok: false, detail: `it answered ${status}` };
  } catch (error) {
    signal.throwIfAborted();
    if (limit.aborted) return { ok: false, detail: `no answer within ${answerMs / 1_000} s` };
    return { ok: false, detail: error instanceof Error ? error.message.slice(0, 200) : "no answer" };
  }
}

function statusOf(at: RequestOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...at, agent: false });
    asked.once("response", ({ statusCode }) => {
      resolve(statusCode ?? 0);
      asked.destroy();
    });
    asked.on("error", reject);
    asked.end();
  });
}
