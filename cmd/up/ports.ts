import { publicFault } from "../../pkg/fault/mod.ts";
import type { State } from "./data_folder.ts";
import { portHolder } from "./port_holder.ts";

/** Every port is on this address, so that only this machine reaches it. */
export const HOST = "127.0.0.1";

/** A port that the user chose. */
export interface ChosenPort {
  readonly part: string;
  readonly port: number;
  readonly flag: string;
  /** The address; `HOST` by default. */
  readonly host?: string;
}

/**
 * Checks that every chosen port is free, before anything starts.
 *
 * @throws `failed_precondition` naming each part, its port, the process that has it, and the flag that changes it
 */
export async function checkPorts(ports: readonly ChosenPort[]): Promise<void> {
  const problems: string[] = [];
  const seen = new Map<number, string>();
  for (const { part, port, flag, host = HOST } of ports) {
    const other = port === 0 ? undefined : seen.get(port);
    seen.set(port, part);
    const refusal = other === undefined ? refusalOf(port, host) : undefined;
    if (other !== undefined) {
      problems.push(`Port ${port} is asked for twice: ${other} and ${part}. Change it with --${flag}.`);
    } else if (refusal === "forbidden") {
      problems.push(
        `Port ${port}, which ${part} needs, may be used by root only. Run "unkey up" with sudo, ` +
          `or choose a port above 1023 with --${flag} <port>.`,
      );
    } else if (refusal === "taken") {
      const holder = await portHolder(port);
      const taken = holder === undefined ? "is taken" : `is taken by ${holder}`;
      problems.push(`Port ${port}, which ${part} needs, ${taken}. Choose another with --${flag} <port>.`);
    }
  }
  if (problems.length > 0) throw publicFault("failed_precondition", problems.join("\n"));
}

/** The port itself, or for 0 one that is free now. */
export function settledPort(port: number, host: string = HOST): number {
  if (port !== 0) return port;
  const listener = Deno.listen({ hostname: host, port });
  listener.close();
  return listener.addr.port;
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

function refusalOf(port: number, hostname: string): "taken" | "forbidden" | undefined {
  try {
    Deno.listen({ hostname, port }).close();
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return "taken";
    if (error instanceof Deno.errors.PermissionDenied) return "forbidden";
    throw error;
  }
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
