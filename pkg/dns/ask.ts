import { Fault } from "../fault/mod.ts";
import type { Server } from "./server.ts";

export type RecordType = "A" | "AAAA" | "CAA" | "CNAME" | "NS" | "SOA" | "TXT";

export interface Question {
  /** Asked instead of the system's resolver. */
  readonly server: Server | undefined;
  readonly signal: AbortSignal;
}

const QUESTION_MS_MAX = 10_000;

/**
 * The answers as texts; none when there is no such record. Names are in lower case without a dot at the end. A `CAA` is
 * its tag, a blank and its value, a `SOA` its first name server.
 *
 * @throws `unavailable` when no answer comes
 */
export async function ask(
  name: string,
  type: RecordType,
  { server, signal }: Question,
): Promise<readonly string[]> {
  signal.throwIfAborted();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(QUESTION_MS_MAX)]);
  const options = {
    signal: limit,
    ...(server === undefined ? {} : { nameServer: { ipAddr: server.address, port: server.port } }),
  };
  try {
    // With a dot at the end, or the system's search list would be tried.
    const question = `${name}.`;
    switch (type) {
      case "CAA":
        return (await Deno.resolveDns(question, "CAA", options)).map(({ tag, value }) => `${tag} ${value}`);
      case "SOA":
        return (await Deno.resolveDns(question, "SOA", options)).map((record) => record.mname);
      case "TXT":
        return (await Deno.resolveDns(question, "TXT", options)).map((parts) => parts.join(""));
      case "CNAME":
      case "NS":
        return (await Deno.resolveDns(question, type, options)).map(bareName);
      default:
        return await Deno.resolveDns(question, type, options);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Deno.errors.NotFound) return [];
    throw new Fault("unavailable", `the DNS does not answer for ${type} of ${name}`, { cause: error });
  }
}

/** A name in lower case, without the dot at its end. */
export function bareName(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
