import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { issuerOf, keptAuthority, trustCommand } from "./local_https.ts";

Deno.test("the authority is made once, and its key is for its owner only", async () => {
  const root = await Deno.makeTempDir({ prefix: "unkey-test-" });
  const clock = { now: () => Date.now() };
  try {
    const folder = { authority: join(root, "authority.pem"), authorityKey: join(root, "authority.key") };
    const first = await keptAuthority(folder, clock);
    assert.deepEqual(await keptAuthority(folder, clock), first, "a browser trusts it over restarts");
    assert.equal(((await Deno.stat(folder.authorityKey)).mode ?? 0) & 0o777, 0o600);
    const { certificateChainPem } = await issuerOf(first, clock)("shop-local.localhost");
    const leaf = new X509Certificate(certificateChainPem);
    assert.ok(leaf.verify(new X509Certificate(first.certificatePem).publicKey));

    await Deno.remove(folder.authorityKey);
    const second = await keptAuthority(folder, clock);
    assert.notEqual(second.certificatePem, first.certificatePem, "one without its key is of no use");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("the command that trusts the authority names its file, on each system", () => {
  assert.match(
    trustCommand("/d/authority.pem", "darwin"),
    /security add-trusted-cert .* \/d\/authority\.pem$/,
  );
  assert.match(
    trustCommand("/d/authority.pem", "linux"),
    /^sudo cp \/d\/authority\.pem .*update-ca-certificates/,
  );
});
