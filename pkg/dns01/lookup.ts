/** Questions to the DNS: where a record lives, and whether every server of its zone shows it. */
import { isIPv4, isIPv6 } from "node:net";
import { Fault } from "../fault/mod.ts";

/** A name server by its address. */
export interface Server {
  readonly address: string;
  readonly port: number;
}

/** The place of a record. */
export interface Place {
  readonly zone: string;
  readonly name: string;
}

export interface Lookup {
  /** Follows aliases of the name and finds the zone that it is in. @throws `failed_precondition` when there is none */
  place(name: string, signal: AbortSignal): Promise<Place>;
  /** True when each server of the zone answers with this value. */
  isShown(place: Place, value: string, signal: AbortSignal): Promise<boolean>;
}

export interface LookupOptions {
  /** Asked for names instead of the system's resolver. */
  readonly resolver?: Server | undefined;
  /** Asked for the value instead of the servers that the zone names; for networks that cannot reach those. */
  readonly nameservers?: readonly Server[];
}

const ALIASES_MAX = 8;
const LABELS_MAX = 127;
const QUESTION_MS_MAX = 10_000;
const DNS_PORT = 53;
const PORT_MAX = 65_535;

/** Asks through Deno's own resolver. Does no I/O before the first question. */
export function openLookup({ resolver, nameservers = [] }: LookupOptions): Lookup {
  const serversOf = async (zone: string, signal: AbortSignal): Promise<readonly Server[]> => {
    if (nameservers.length > 0) return nameservers;
    const names = await ask(zone, "NS", { server: resolver, signal });
    const addresses = await Promise.all(
      names.flatMap((name) =>
        (["A", "AAAA"] as const).map((type) => ask(name, type, { server: resolver, signal }))
      ),
    );
    return addresses.flat().map((address) => ({ address, port: DNS_PORT }));
  };

  return {
    async place(given, signal) {
      const name = await behindAliases(bare(given), { server: resolver, signal });
      const labels = name.split(".");
      for (let cut = 0; cut < Math.min(labels.length, LABELS_MAX); cut++) {
        const zone = labels.slice(cut).join(".");
        if ((await ask(zone, "SOA", { server: resolver, signal })).length === 0) continue;
        // The answer for an alias is about the zone that it leads to. No zone begins at an alias.
        if ((await ask(zone, "CNAME", { server: resolver, signal })).length === 0) return { name, zone };
      }
      throw new Fault("failed_precondition", `no zone holds ${name}`, {
        publicMessage: `The DNS has no zone for "${name}".`,
      });
    },

    async isShown({ name, zone }, value, signal) {
      const servers = await serversOf(zone, signal);
      const shown = await Promise.all(
        servers.map(async (server) => (await ask(name, "TXT", { server, signal })).includes(value)),
      );
      return shown.length > 0 && shown.every((each) => each);
    },
  };
}

/** `host:port` or an address; `undefined` when the text is neither. */
export function serverOf(text: string): Server | undefined {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:]+)\]|([0-9.]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const isAddress = bracketed === undefined ? isIPv4(plain ?? "") : isIPv6(bracketed);
  const number = port === undefined ? DNS_PORT : Number(port);
  if (!isAddress || number === 0 || number > PORT_MAX) return undefined;
  return { address: bracketed ?? plain ?? "", port: number };
}

function bare(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

/** Where the aliases of a name end. @throws `failed_precondition` when there are too many, as in a loop */
async function behindAliases(given: string, options: Question): Promise<string> {
  let name = given;
  for (let aliases = 0; aliases <= ALIASES_MAX; aliases++) {
    const [target] = await ask(name, "CNAME", options);
    if (target === undefined) return name;
    name = bare(target);
  }
  throw new Fault("failed_precondition", `more than ${ALIASES_MAX} aliases follow ${given}`, {
    publicMessage:
      `The aliases (CNAME) of "${given}" have no end: more than ${ALIASES_MAX} follow each other.`,
  });
}

interface Question {
  readonly server: Server | undefined;
  readonly signal: AbortSignal;
}

/** The answers as texts; none when there is no such record or no answer. */
async function ask(
  name: string,
  type: "A" | "AAAA" | "CNAME" | "NS" | "SOA" | "TXT",
  { server, signal }: Question,
): Promise<readonly string[]> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(QUESTION_MS_MAX)]);
  const options = {
    signal: limit,
    ...(server === undefined ? {} : { nameServer: { ipAddr: server.address, port: server.port } }),
  };
  try {
    // With a dot at the end, or the system's search list would be tried.
    const question = `${name}.`;
    switch (type) {
      case "SOA":
        return (await Deno.resolveDns(question, "SOA", options)).map((record) => record.mname);
      case "TXT":
        return (await Deno.resolveDns(question, "TXT", options)).map((parts) => parts.join(""));
      default:
        return await Deno.resolveDns(question, type, options);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Deno.errors.NotFound) return [];
    // A server that does not answer has not shown anything yet.
    if (type === "TXT") return [];
    throw new Fault("unavailable", `the DNS does not answer for ${type} of ${name}`, { cause: error });
  }
}
