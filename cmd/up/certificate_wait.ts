import { once } from "node:events";
import { connect } from "node:tls";
import type { Clock } from "../../pkg/clock/mod.ts";
import type { Place } from "./place.ts";

const EVERY_MS = 250;
const HANDSHAKE_MS_MAX = 5_000;

/** True as soon as the edge of this machine has a certificate for the api's host; false when none comes in time. */
export async function hasCertificate(
  { apiHost, edgeHttpsPort }: Place,
  { clock, signal, waitMs }: { readonly clock: Clock; readonly signal: AbortSignal; readonly waitMs: number },
): Promise<boolean> {
  if (apiHost === undefined || edgeHttpsPort === undefined) return false;
  const untilMs = clock.now() + waitMs;
  while (!signal.aborted) {
    if (await shakesHands(apiHost, edgeHttpsPort)) return true;
    if (clock.now() >= untilMs) return false;
    await clock.sleep(EVERY_MS, signal).catch(() => undefined);
  }
  return false;
}

async function shakesHands(servername: string, port: number): Promise<boolean> {
  // Whether a client trusts the authority is not the question: a private one may have issued it.
  const socket = connect({ host: "127.0.0.1", port, servername, rejectUnauthorized: false });
  try {
    await once(socket, "secureConnect", { signal: AbortSignal.timeout(HANDSHAKE_MS_MAX) });
    return true;
  } catch {
    return false;
  } finally {
    socket.on("error", () => undefined);
    socket.destroy();
  }
}
