import { makeCertificate } from "../../pkg/testkit/certificate.ts";
import { untilReady } from "./daemon.ts";
import type { Starting } from "./folder.ts";
import { built, freePorts, listens, type Part } from "./part.ts";

const DAY_SECONDS = 86_400;

/** An ACME certificate authority, and the DNS server that it asks, whose answers tests change through its management. */
export const acme: Part = {
  name: "acme",
  async start(starting: Starting): Promise<void> {
    const programs = await built("pebble");
    const [api = 0, management = 0, http = 0, tls = 0, dns = 0, dnsManagement = 0] = freePorts(6);
    const local = (port: number): string => `127.0.0.1:${port}`;
    const { certificate, privateKey, authority } = await makeCertificate(`${starting.folder}/tls`, [
      "DNS:localhost",
      "IP:127.0.0.1",
    ]);
    const challenges = await starting.launch({
      name: "pebble-challtestsrv",
      command: `${programs}/pebble-challtestsrv`,
      args: [
        ["-dnsserver", local(dns)],
        ["-http01", local(http)],
        ["-tlsalpn01", local(tls)],
        ["-https01", ""],
        ["-doh", ""],
        ["-management", local(dnsManagement)],
        ["-defaultIPv6", ""],
      ].flat(),
    });
    await untilReady(challenges, () => listens(dnsManagement));
    const config = `${starting.folder}/pebble.json`;
    await Deno.writeTextFile(
      config,
      JSON.stringify({
        pebble: {
          listenAddress: local(api),
          managementListenAddress: local(management),
          certificate,
          privateKey,
          httpPort: http,
          tlsPort: tls,
          keyAlgorithm: "ecdsa",
          retryAfter: { authz: 1, order: 1 },
          profiles: {
            default: { description: "90 days", validityPeriod: 90 * DAY_SECONDS },
            shortlived: { description: "6 days", validityPeriod: 6 * DAY_SECONDS },
          },
        },
      }),
    );
    const pebble = await starting.launch({
      name: "pebble",
      command: `${programs}/pebble`,
      args: ["-config", config, "-dnsserver", local(dns)],
      // It would wait up to 15 s before each check, and refuse valid nonces at random.
      env: { PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "0" },
    });
    await untilReady(pebble, () => listens(api));
    starting.done(`https://localhost:${api}/dir`, {
      authority,
      managementUrl: `https://localhost:${management}`,
      dnsServer: local(dns),
      dnsManagementUrl: `http://${local(dnsManagement)}`,
    });
  },
};
