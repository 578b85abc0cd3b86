import { join } from "node:path";
import type { Clock } from "../clock/mod.ts";
import { Fault } from "../fault/mod.ts";
import { processIdentity } from "./process_identity.ts";

const POLL_MS = 50;
/** The longest time that a server may take to stop before it is killed, and how long to be gone after that. */
export const STOP_MS_MAX = 10_000;
const KILLED_MS_MAX = 5_000;

/** Remembers which process serves `baseDir`, for the next start on it. */
export async function rememberServer(baseDir: string, pid: number): Promise<void> {
  const identity = await processIdentity(pid);
  if (identity === undefined) return; // it has ended, and there is nothing to remember
  const path = pidFile(baseDir);
  await Deno.writeTextFile(`${path}.new`, JSON.stringify({ pid, identity }));
  await Deno.rename(`${path}.new`, path);
}

/** Forgets it, when it has ended. */
export async function forgetServer(baseDir: string): Promise<void> {
  await Deno.remove(pidFile(baseDir)).catch(() => undefined); // there may be none
}

/**
 * Ends the server that a killed process left behind on `baseDir`, if there is one, and returns its process id. A process
 * that merely got its number is not touched.
 */
export async function endStaleServer(
  baseDir: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<number | undefined> {
  const left = parse(await Deno.readTextFile(pidFile(baseDir)).catch(() => ""));
  if (left === undefined) return undefined;
  const running = async (): Promise<boolean> => await processIdentity(left.pid) === left.identity;
  if (!(await running())) return undefined;
  for (const [how, limitMs] of [["SIGTERM", STOP_MS_MAX], ["SIGKILL", KILLED_MS_MAX]] as const) {
    kill(left.pid, how);
    for (let waitedMs = 0; waitedMs < limitMs; waitedMs += POLL_MS) {
      if (!(await running())) return left.pid;
      await clock.sleep(POLL_MS, signal);
    }
  }
  const text = `An earlier Restate server (process ${left.pid}) cannot be ended. End it and start again.`;
  throw new Fault("failed_precondition", text, { publicMessage: text });
}

/** Signals a process that may just have ended. */
export function kill(pid: number, how: "SIGTERM" | "SIGKILL"): void {
  try {
    Deno.kill(pid, how);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof TypeError)) throw error;
  }
}

function parse(text: string): { readonly pid: number; readonly identity: string } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("pid" in value) || !("identity" in value)) {
      return undefined;
    }
    const { pid, identity } = value;
    return typeof pid === "number" && typeof identity === "string" ? { pid, identity } : undefined;
  } catch {
    return undefined; // a torn or foreign file names no process that we could be sure of
  }
}

function pidFile(baseDir: string): string {
  return join(baseDir, "server.pid");
}
