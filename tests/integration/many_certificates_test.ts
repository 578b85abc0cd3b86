import assert from "node:assert/strict";
import { eventually } from "../testbed/wait.ts";
import { makeSelfSigned, ManyCertificatesBed, type SelfSigned, statusOf } from "./many_certificates.ts";

const NAMES = 500;
const CLIENTS = 6;
const OPEN = 20;
/** Only an edge that does not switch takes so long. */
const RENEWAL_MS_MAX = 180_000;

const hostnameOf = (at: number): string => `shop${at}.customer${at % 50}.example`;
const fingerprints = (made: readonly SelfSigned[]): ReadonlyMap<string, string> =>
  new Map(made.map(({ hostname, fingerprint }) => [hostname, fingerprint]));

/** A renewal of a tenant must not be seen by the visitors of any. */
Deno.test("500 domains are renewed through the feed with their own certificates, and nothing fails meanwhile", async () => {
  const hostnames = Array.from({ length: NAMES }, (_, at) => hostnameOf(at));
  const [first, second] = [await makeSelfSigned(hostnames), await makeSelfSigned(hostnames)];
  const [before, after] = [fingerprints(first), fingerprints(second)];
  await using bed = await ManyCertificatesBed.start(hostnames);
  for (const each of first) await bed.store(each);
  const served = async (hostname: string): Promise<string> => {
    const socket = await bed.shake(hostname);
    const { fingerprint256 } = socket.getPeerCertificate();
    try {
      assert.equal(await statusOf(socket, hostname), 200, hostname);
    } finally {
      socket.destroy();
    }
    return fingerprint256;
  };
  const last = first.at(-1)?.hostname ?? "";
  await eventually("the first certificates", () => served(last).then(() => true, () => false));
  for (const hostname of hostnames) assert.equal(await served(hostname), before.get(hostname), hostname);

  const open = await Promise.all(
    hostnames.slice(0, OPEN).map(async (hostname) => ({ hostname, socket: await bed.shake(hostname) })),
  );
  const renewed = new Set<string>();
  const endMs = performance.now() + RENEWAL_MS_MAX;
  const goesOn = (): boolean => renewed.size < NAMES && performance.now() < endMs;
  let handshakes = 0;
  const visit = async (): Promise<void> => {
    while (goesOn()) {
      const hostname = hostnames[handshakes++ % NAMES] ?? "";
      const had = renewed.has(hostname);
      const fingerprint = await served(hostname);
      if (fingerprint === after.get(hostname)) renewed.add(hostname);
      else assert.deepEqual([fingerprint, had], [before.get(hostname), false], hostname);
    }
  };
  const stay = async (): Promise<void> => {
    while (goesOn()) {
      for (const { hostname, socket } of open) assert.equal(await statusOf(socket, hostname), 200);
    }
  };
  const renew = async (): Promise<void> => {
    for (const each of second) await bed.store(each);
  };
  await Promise.all([...Array.from({ length: CLIENTS }, visit), stay(), renew()]);
  assert.equal(renewed.size, NAMES);
  for (const { socket } of open) socket.destroy();
});
