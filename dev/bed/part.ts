import { outputOf } from "../../pkg/testkit/commands.ts";
import type { PartName, StartedPart, Starting } from "./folder.ts";

const CHECKOUT = new URL("../../", import.meta.url).pathname;

/** One part of the bed: how it starts, and what remains to do when its processes have ended. */
export interface Part {
  readonly name: PartName;
  start(starting: Starting): Promise<void>;
  /** Ends the processes and undoes what they did to the machine; the part's folder is removed afterwards. */
  stop?(part: StartedPart): Promise<void>;
}

/** Builds or finds what `dev/parts/<script>.sh` is for; answers with the path that it prints. */
export async function built(script: string): Promise<string> {
  const child = new Deno.Command(`${CHECKOUT}dev/parts/${script}.sh`, {
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  });
  const { success, stdout } = await child.output();
  if (!success) throw new Error(`dev/parts/${script}.sh failed, see above.`);
  return new TextDecoder().decode(stdout).trim();
}

/** Free TCP ports of 127.0.0.1, all different. */
export function freePorts(count: number): number[] {
  const listeners = Array.from({ length: count }, () => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  return listeners.map((listener) => {
    const { port } = listener.addr;
    listener.close();
    return port;
  });
}

/** Runs a command to its end and answers with what it printed; throws with its errors when it fails. */
export async function run(command: string, args: readonly string[], stdin?: string): Promise<string> {
  const { code, stdout, stderr } = await outputOf(command, args, stdin);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr.trim()}`);
  return stdout;
}

/** True when a GET is answered, whatever the status. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    await response.body?.cancel();
    return response.status < 500;
  } catch {
    return false;
  }
}

/** True when a server listens on the port. */
export async function listens(port: number, hostname = "127.0.0.1"): Promise<boolean> {
  try {
    (await Deno.connect({ hostname, port })).close();
    return true;
  } catch {
    return false;
  }
}
