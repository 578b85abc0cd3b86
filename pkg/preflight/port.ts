import { failed, ok, type Probe, warning } from "./probe.ts";

export interface ProbedPort {
  readonly subject: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** The setting that changes it. */
  readonly setting: string;
}

const ANSWER_MS_MAX = 2_000;

/** Listens on the port for a moment. A port with an unkey on it is a warning: a replacement takes it over. */
export function portProbe({ subject, host, port, setting }: ProbedPort): Probe {
  return {
    subject,
    advice: `Choose an address of this machine, and a free port, with ${setting}.`,
    async ask(signal) {
      try {
        Deno.listen({ hostname: host, port }).close();
        return ok(port === 0 ? "Any free port is taken." : `Port ${port} on ${host} is free.`);
      } catch (error) {
        if (error instanceof Deno.errors.PermissionDenied) {
          const advice = `Run it as root, or choose a port above 1023 with ${setting}.`;
          return failed(`Port ${port} may be used by root only.`, advice);
        }
        if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      }
      if (await isUnkey(host, port, signal)) {
        const advice = "That is right when the new process takes its place; else choose another with " +
          `${setting}.`;
        return warning(`Port ${port} on ${host} has an unkey process.`, advice);
      }
      return failed(
        `Port ${port} on ${host} is taken by another program.`,
        `Choose another one with ${setting}, or end that program ("ss -ltnp" shows it).`,
      );
    },
  };
}

/** True when the health check of a part of the platform answers there. */
async function isUnkey(host: string, port: number, signal: AbortSignal): Promise<boolean> {
  const own = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  const name = own.includes(":") ? `[${own}]` : own;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
  try {
    const response = await fetch(`http://${name}:${port}/health/live`, { signal: limit });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false; // another protocol, or no answer
  }
}
