import { openDns, type Server } from "../dns/mod.ts";
import { type Finding, ok, type Probe, warning } from "./probe.ts";

/** A name that must have an address. */
export interface WantedName {
  /** The name that is asked for; of a wildcard any name below it. */
  readonly asked: string;
  /** The record that gives the answer, e.g. `*.apps.example.com`. */
  readonly record: string;
}

/** Asks the DNS for names that lead visitors to the platform. Records can be set later, hence a warning. */
export function namesProbe(names: readonly WantedName[], resolver: Server | undefined): Probe {
  const dns = openDns({ resolver });
  return {
    subject: "dns",
    advice: "Look at the resolver of this machine (/etc/resolv.conf), and whether a firewall keeps port 53.",
    async ask(signal): Promise<Finding> {
      const found = await Promise.all(names.map(async ({ asked, record }) => {
        const answers = await Promise.all(
          (["A", "AAAA"] as const).map((type) => dns.resolve(asked, type, signal)),
        );
        return { record, addresses: answers.flat() };
      }));
      const missing = found.filter(({ addresses }) => addresses.length === 0).map(({ record }) => record);
      if (missing.length === 0) {
        return ok(
          found.map(({ record, addresses }) => `${record} leads to ${addresses.join(", ")}`).join("; "),
        );
      }
      return warning(
        `${missing.join(", ")} ${missing.length === 1 ? "has" : "have"} no address.`,
        "Set a record (A, AAAA or CNAME) for each that leads to your edges; visitors find no app before that.",
      );
    },
  };
}
