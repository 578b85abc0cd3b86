import assert from "node:assert/strict";
import { join } from "node:path";
import { requestIdentity } from "./request_identity.ts";

async function withFile(test: (file: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "unkey-identity-" });
  try {
    await test(join(directory, "data", "key.pem"));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const PEM = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
-----END PRIVATE KEY-----
`;

/** From the log of Restate 1.7.12 for this key. */
Deno.test("a key is named as Restate names it", () =>
  withFile(async (file) => {
    await Deno.mkdir(join(file, ".."));
    await Deno.writeTextFile(file, PEM);
    assert.equal(await requestIdentity(file), "publickeyv1_FAe4sisG95oZ42w7buUn5qEE4TAnfTTFPiguZUHmhiF");
  }));

Deno.test("a key that is made is kept, and only its owner can read it", () =>
  withFile(async (file) => {
    const first = await requestIdentity(file);
    assert.match(first, /^publickeyv1_[1-9A-HJ-NP-Za-km-z]{32,44}$/);
    assert.equal(await requestIdentity(file), first);
    assert.equal(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);
    const names = (await Array.fromAsync(Deno.readDir(join(file, "..")))).map((each) => each.name);
    assert.deepEqual(names, ["key.pem"], "nothing temporary stays");
  }));

Deno.test("a file without such a key is named, and its text is not repeated", () =>
  withFile(async (file) => {
    await Deno.mkdir(join(file, ".."));
    await Deno.writeTextFile(file, PEM.replace("MC4CAQAw", "MC4CAQAx"));
    await assert.rejects(requestIdentity(file), (error: Error) => {
      assert.match(error.message, /key\.pem holds no Ed25519 key.*Remove the file/);
      assert.doesNotMatch(error.message, /MC4C/);
      return true;
    });
  }));
