/** Certificates from the wish to the edge: a real authority, a real Restate server, the real api. */
import assert from "node:assert/strict";
import { readChain } from "../../pkg/acme/mod.ts";
import { hasPebble } from "../../pkg/testkit/pebble.ts";
import { Part } from "../testbed/process.ts";
import { CertificateBed } from "./certificate_bed.ts";

Deno.test({
  name: "a certificate that is wanted comes to the edges, by HTTP-01",
  ignore: !hasPebble(),
  fn: async () => {
    await using bed = await CertificateBed.start({ worker: (part) => new Part(part) });
    const stop = new AbortController();
    const stream = bed.watch(0n, stop.signal)[Symbol.asyncIterator]();
    for (;;) if ((await stream.next()).value?.state.case === "snapshotEnd") break;
    const hostname = "shop.example.com";
    await bed.request(hostname);
    for (;;) {
      const state = (await stream.next()).value?.state;
      if (state?.case !== "applyCertificate") continue;
      const { certificateChainPem, privateKeyPem, notAfterMs } = state.value;
      assert.equal(state.value.hostname, hostname);
      const leaf = readChain(certificateChainPem);
      assert.ok(leaf.covers(hostname) && leaf.fitsKey(privateKeyPem));
      assert.equal(Number(notAfterMs), leaf.notAfterMs);
      break;
    }
    stop.abort();
    const certificate = await bed.issued(hostname);
    assert.ok(!certificate.encrypted_private_key.includes("PRIVATE KEY"));
    assert.equal(bed.asked.length > 0, true);
    const challenges = await bed.worker.db.kysely.selectFrom("acme_challenges").selectAll().execute();
    assert.deepEqual(challenges, [], "proofs are taken away");
  },
});
