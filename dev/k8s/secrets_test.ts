/** The command of the documentation that makes the platform's Secrets. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { Secret } from "../../pkg/config/mod.ts";
import { requestIdentity } from "../../pkg/restate_server/mod.ts";
import { parseMasterKeys } from "../../pkg/vault/mod.ts";
import { readSources } from "./generate/sources.ts";

const SCRIPT = new URL("secrets.sh", import.meta.url).pathname;
const GIVEN = {
  DATABASE_URL: "mysql://user:pass word@db:3306/unkey?ssl=true",
  S3_URL: "https://s3.example.com",
  S3_BUCKET: "unkey",
  S3_ACCESS_KEY_ID: "id",
  S3_ACCESS_KEY_SECRET: "a'b$c`d\\n%s",
};
const SecretObject = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Secret"),
  metadata: z.strictObject({ name: z.string() }),
  data: z.record(z.string(), z.base64()),
});

async function run(given: Readonly<Record<string, string>>) {
  const path = Deno.env.get("PATH") ?? "";
  const command = new Deno.Command(SCRIPT, { env: { PATH: path, ...given }, clearEnv: true });
  const { code, stdout, stderr } = await command.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** Values of the Secrets, decoded, as `<Secret>/<key>`. */
async function secrets(given: Readonly<Record<string, string>>): Promise<Map<string, string>> {
  const { code, stdout, stderr } = await run(given);
  assert.equal(code, 0, stderr);
  const objects = parseAllDocuments(stdout).map((each) => SecretObject.parse(each.toJS()));
  return new Map(
    objects.flatMap(({ metadata, data }) =>
      Object.entries(data).map(([key, value]): [string, string] => [
        `${metadata.name}/${key}`,
        new TextDecoder().decode(Uint8Array.fromBase64(value)),
      ])
    ),
  );
}

const made = await secrets(GIVEN);

function value(name: string): string {
  const found = made.get(name);
  assert.ok(found !== undefined, `no ${name}`);
  return found;
}

Deno.test("every Secret that a manifest requires is made, with every key", async () => {
  const { objects } = await readSources();
  const text = objects.map(({ document }) => document.toString({ lineWidth: 0 })).join("\n");
  const references = [...text.matchAll(/secretKeyRef: \{ name: ([a-z-]+), key: ([a-z0-9-]+) \}/g)];
  assert.ok(references.length > 10);
  // The tokens of agent and edge come from the api.
  const fromHere = references.filter(([, , key]) => key !== "control-plane-bearer");
  for (const [, name = "", key = ""] of fromHere) value(`${name}/${key}`);
  for (const [, name = ""] of text.matchAll(/secretName: ([a-z-]+)/g)) {
    assert.ok([...made.keys()].some((each) => each.startsWith(`${name}/`)), name);
  }
});

Deno.test("values with special characters arrive unchanged", () => {
  assert.equal(value("control-plane/database-url"), GIVEN.DATABASE_URL);
  assert.equal(value("control-plane/s3-access-key-secret"), GIVEN.S3_ACCESS_KEY_SECRET);
});

Deno.test("the master key and the token are strong, and other ones each time", async () => {
  assert.equal(parseMasterKeys(new Secret(value("control-plane/vault-master-keys"))).length, 1);
  assert.match(value("control-plane/auth-token"), /^[0-9a-f]{64}$/);
  const again = await secrets(GIVEN);
  for (
    const name of [
      "control-plane/vault-master-keys",
      "control-plane/auth-token",
      "restate-identity/public-key",
    ]
  ) {
    assert.notEqual(again.get(name), made.get(name), name);
  }
});

Deno.test("the worker's public key is that of Restate's private key", async () => {
  // A leading zero byte has a digit of its own: enough keys that some have one are too slow to make here.
  const file = await Deno.makeTempFile();
  try {
    for (const each of [made, await secrets(GIVEN), await secrets(GIVEN)]) {
      await Deno.writeTextFile(file, each.get("restate-identity/private-key") ?? "");
      assert.equal(each.get("restate-identity/public-key"), await requestIdentity(file));
    }
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("builder and worker trust one authority, and the builder's certificate has the name of its Service", async () => {
  const authority = new X509Certificate(value("buildkitd-tls/ca.pem"));
  const daemon = new X509Certificate(value("buildkitd-tls/cert.pem"));
  const client = new X509Certificate(value("buildkit-client/cert.pem"));
  assert.equal(value("buildkit-client/ca.pem"), value("buildkitd-tls/ca.pem"));
  assert.ok(daemon.verify(authority.publicKey) && client.verify(authority.publicKey));
  assert.equal(daemon.subjectAltName, "DNS:buildkitd.unkey.svc");
  const elsewhere = await secrets({ ...GIVEN, NAMESPACE: "platform" });
  const named = new X509Certificate(elsewhere.get("buildkitd-tls/cert.pem") ?? "");
  assert.equal(named.subjectAltName, "DNS:buildkitd.platform.svc");
});

Deno.test("the registry's Secret is there with a user only, and a missing value is named", async () => {
  assert.equal(made.has("registry/username"), false);
  const more = await secrets({ ...GIVEN, REGISTRY_USERNAME: "robot", REGISTRY_PASSWORD: "secret" });
  assert.deepEqual([more.get("registry/username"), more.get("registry/password")], ["robot", "secret"]);
  const { S3_BUCKET: _, ...without } = GIVEN;
  assert.deepEqual(await run(without), { code: 1, stdout: "", stderr: "secrets: set S3_BUCKET\n" });
});
