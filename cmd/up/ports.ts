import { publicFault } from "../../pkg/fault/mod.ts";
import type { State } from "./data_folder.ts";

/** Every port is on this address, so that only this machine reaches it. */
export const HOST = "127.0.0.1";

/** A port that the user chose. */
export interface ChosenPort {
  readonly part: string;
  readonly port: number;
  readonly flag: string;
}

/**
 * Checks that every chosen port is free, before anything starts.
 *
 * @throws `failed_precondition` naming each part, its port and the flag that changes it
 */
export function checkPorts(ports: readonly ChosenPort[]): void {
  const problems: string[] = [];
  const seen = new Map<number, string>();
  for (const { part, port, flag } of ports) {
    const other = port === 0 ? undefined : seen.get(port);
    seen.set(port, part);
    if (other !== undefined) {
      problems.push(`Port ${port} is asked for twice: ${other} and ${part}. Change it with --${flag}.`);
    } else if (!isFree(port)) {
      problems.push(`Port ${port}, which ${part} needs, is taken. Choose another with --${flag} <port>.`);
    }
  }
  if (problems.length > 0) throw publicFault("failed_precondition", problems.join("\n"));
}

/** The kept ports where they are still free, others where they are not. */
export function keepPorts(kept: State["ports"] | undefined): State["ports"] {
  const listeners: Deno.TcpListener[] = [];
  const choose = (port: number | undefined): number => {
    const listener = (port === undefined ? undefined : listen(port)) ??
      Deno.listen({ hostname: HOST, port: 0 });
    listeners.push(listener);
    return listener.addr.port;
  };
  try {
    return {
      worker: choose(kept?.worker),
      workerHealth: choose(kept?.workerHealth),
      krane: choose(kept?.krane),
    };
  } finally {
    for (const listener of listeners) listener.close();
  }
}

function isFree(port: number): boolean {
  const listener = listen(port);
  listener?.close();
  return listener !== undefined;
}

function listen(port: number): Deno.TcpListener | undefined {
  try {
    return Deno.listen({ hostname: HOST, port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse || error instanceof Deno.errors.PermissionDenied) {
      return undefined;
    }
    throw error;
  }
}
