import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:tls";
import { issueCertificate, type LocalAuthority, makeAuthority } from "./mod.ts";

const DAY_MS = 86_400_000;
const HAS_OPENSSL = await new Deno.Command("openssl", { args: ["version"], stdout: "null", stderr: "null" })
  .output().then(({ success }) => success, () => false);

/** The judgement of OpenSSL on a certificate for `hostname` that the authority has issued. */
async function verified(authority: LocalAuthority, hostname: string): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-test-" });
  try {
    const { certificateChainPem } = await issueCertificate(authority, { hostname, nowMs: Date.now() });
    await Deno.writeTextFile(`${folder}/authority.pem`, authority.certificatePem);
    await Deno.writeTextFile(`${folder}/leaf.pem`, certificateChainPem);
    const { stdout, stderr } = await new Deno.Command("openssl", {
      args: [
        ...["verify", "-x509_strict", "-CAfile", `${folder}/authority.pem`, "-verify_hostname", hostname],
        `${folder}/leaf.pem`,
      ],
    }).output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Its key lies on a developer's disk: it must not be good for anything else. */
Deno.test({
  name: "a local authority is trusted for names below localhost, and for no other name",
  ignore: !HAS_OPENSSL,
  async fn() {
    const authority = await makeAuthority({ nowMs: Date.now() });
    for (const hostname of ["shop-local.localhost", "localhost"]) {
      assert.match(await verified(authority, hostname), /leaf\.pem: OK/, hostname);
    }
    for (const hostname of ["example.com", "localhost.example.com", "notlocalhost"]) {
      assert.match(await verified(authority, hostname), /permitted subtree violation/, hostname);
    }
  },
});

Deno.test("a certificate of a local authority serves a handshake, for ninety days", async () => {
  const nowMs = Date.now();
  const authority = await makeAuthority({ nowMs });
  const hostname = "shop-local.localhost";
  const { certificateChainPem, privateKeyPem, notAfterMs } = await issueCertificate(authority, {
    hostname,
    nowMs,
  });
  assert.equal(notAfterMs, nowMs + 90 * DAY_MS);
  assert.ok(new X509Certificate(certificateChainPem).checkHost(hostname));
  const server = createServer({ cert: certificateChainPem, key: privateKeyPem });
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const socket = connect({ host: "127.0.0.1", port, servername: hostname, ca: authority.certificatePem });
  await once(socket, "secureConnect");
  assert.ok(socket.authorized);
  socket.destroy();
  server.close();
  await once(server, "close");
});
