/** Questions to the servers that hold a name's zone, so that no cache answers. */
import { Fault } from "../fault/mod.ts";
import { ask, bareName, type RecordType } from "./ask.ts";
import { isPublicAddress } from "./public_address.ts";
import { DNS_PORT, type Server } from "./server.ts";

export interface DnsOptions {
  /** Finds zones and their servers instead of the system's resolver. */
  readonly resolver?: Server | undefined;
  /** Asked instead of the servers that a zone names; for networks that cannot reach those. */
  readonly nameservers?: readonly Server[];
  /** Asks no server of a private network: the zones are those of strangers. */
  readonly publicOnly?: boolean;
}

export interface Dns {
  /** The zone that a name is in, by the nearest `SOA`; `undefined`: there is none. */
  zoneOf(name: string, signal: AbortSignal): Promise<string | undefined>;
  /** The servers of a zone. */
  serversOf(zone: string, signal: AbortSignal): Promise<readonly Server[]>;
  /**
   * The records that all servers of the name's zone have, of those that answer. Aliases are not followed.
   *
   * @throws `unavailable` when no server answers
   */
  records(name: string, type: RecordType, signal: AbortSignal): Promise<readonly string[]>;
  /** The resolver's answer, aliases followed. @throws `unavailable` */
  resolve(name: string, type: RecordType, signal: AbortSignal): Promise<readonly string[]>;
}

const LABELS_MAX = 127;
/** Some zones name a dozen servers; so many are enough to notice that one of them is behind. */
const SERVERS_MAX = 4;

/** Asks through Deno's own resolver. Does no I/O before the first question. */
export function openDns({ resolver, nameservers = [], publicOnly = false }: DnsOptions): Dns {
  const resolve: Dns["resolve"] = (name, type, signal) =>
    ask(bareName(name), type, { server: resolver, signal });

  const zoneOf: Dns["zoneOf"] = async (given, signal) => {
    const labels = bareName(given).split(".");
    for (let cut = 0; cut < Math.min(labels.length, LABELS_MAX); cut++) {
      const zone = labels.slice(cut).join(".");
      if ((await resolve(zone, "SOA", signal)).length === 0) continue;
      // The answer for an alias is about the zone that it leads to. No zone begins at an alias.
      if ((await resolve(zone, "CNAME", signal)).length === 0) return zone;
    }
    return undefined;
  };

  const serversOf: Dns["serversOf"] = async (zone, signal) => {
    if (nameservers.length > 0) return nameservers;
    const names = (await resolve(zone, "NS", signal)).slice(0, SERVERS_MAX);
    const addresses = await Promise.all(
      names.flatMap((name) => (["A", "AAAA"] as const).map((type) => resolve(name, type, signal))),
    );
    return addresses.flat().filter((each) => !publicOnly || isPublicAddress(each)).map((address) => ({
      address,
      port: DNS_PORT,
    }));
  };

  return {
    zoneOf,
    serversOf,
    resolve,
    async records(given, type, signal) {
      const name = bareName(given);
      const zone = nameservers.length > 0 ? name : await zoneOf(name, signal);
      if (zone === undefined) return [];
      const servers = await serversOf(zone, signal);
      const answers = await Promise.all(
        servers.slice(0, 2 * SERVERS_MAX).map(async (server) => {
          try {
            return await ask(name, type, { server, signal });
          } catch (error) {
            signal.throwIfAborted();
            return error instanceof Fault ? undefined : Promise.reject(error);
          }
        }),
      );
      return common(name, answers);
    },
  };
}

/** The values that are in every answer. */
function common(name: string, answers: readonly (readonly string[] | undefined)[]): readonly string[] {
  const [first, ...others] = answers.filter((each) => each !== undefined);
  if (first === undefined) throw new Fault("unavailable", `no name server of ${name} answers`);
  return first.filter((value) => others.every((each) => each.includes(value)));
}
