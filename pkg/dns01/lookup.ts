/** Questions to the DNS: where a record lives, and whether every server of its zone shows it. */
import { ask, bareName, type DnsOptions, openDns } from "../dns/mod.ts";
import { Fault } from "../fault/mod.ts";

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

const ALIASES_MAX = 8;

/** Does no I/O before the first question. */
export function openLookup(options: DnsOptions): Lookup {
  const dns = openDns(options);

  /** Where the aliases of a name end. @throws `failed_precondition` when there are too many, as in a loop */
  const behindAliases = async (given: string, signal: AbortSignal): Promise<string> => {
    let name = given;
    for (let aliases = 0; aliases <= ALIASES_MAX; aliases++) {
      const [target] = await dns.resolve(name, "CNAME", signal);
      if (target === undefined) return name;
      name = bareName(target);
    }
    throw new Fault("failed_precondition", `more than ${ALIASES_MAX} aliases follow ${given}`, {
      publicMessage:
        `The aliases (CNAME) of "${given}" have no end: more than ${ALIASES_MAX} follow each other.`,
    });
  };

  return {
    async place(given, signal) {
      const name = await behindAliases(bareName(given), signal);
      const zone = await dns.zoneOf(name, signal);
      if (zone !== undefined) return { name, zone };
      throw new Fault("failed_precondition", `no zone holds ${name}`, {
        publicMessage: `The DNS has no zone for "${name}".`,
      });
    },

    async isShown({ name, zone }, value, signal) {
      const servers = await dns.serversOf(zone, signal);
      const shown = await Promise.all(servers.map(async (server) => {
        // A server that does not answer has not shown anything yet.
        const texts = await ask(name, "TXT", { server, signal }).catch((): readonly string[] => []);
        signal.throwIfAborted();
        return texts.includes(value);
      }));
      return shown.length > 0 && shown.every((each) => each);
    },
  };
}
