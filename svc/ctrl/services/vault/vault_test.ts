import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { VaultService } from "../../../../proto/gen/vault/v1/vault_pb.ts";
import { eachRefused, refused, SERVICE_TOKEN, startApi, type TestApi } from "../testing.ts";

const KEYRING = "ws_1";
const CHANGED = /encrypted was not encrypted for this keyring and name, or was changed since/;

const vaultOf = (api: TestApi) => api.client(VaultService, SERVICE_TOKEN);

Deno.test("a text that was encrypted decrypts for its keyring and name, in the original form too", async () => {
  await using api = await startApi();
  const vault = vaultOf(api);
  assert.equal((await api.client(VaultService).liveness({})).status, "ok");
  const { encrypted, keyId } = await vault.encrypt({ keyring: KEYRING, data: "s3cret" });
  assert.match(keyId, /^dek_/);
  assert.equal((await vault.decrypt({ keyring: KEYRING, encrypted })).plaintext, "s3cret");
  const named = await vault.encrypt({ keyring: KEYRING, data: "", name: "empty" });
  assert.equal(
    (await vault.decrypt({ keyring: KEYRING, name: "empty", encrypted: named.encrypted })).plaintext,
    "",
  );
  assert.equal(named.keyId, keyId);
  const again = await vault.reEncrypt({ keyring: KEYRING, encrypted, keyId: "dek_old" });
  assert.notEqual(again.encrypted, encrypted);
  for (const each of [encrypted, again.encrypted]) {
    assert.equal((await vault.decrypt({ keyring: KEYRING, encrypted: each })).plaintext, "s3cret");
  }
});

Deno.test("a text that was changed, or belongs elsewhere, is refused without a reason that helps to guess", async () => {
  await using api = await startApi();
  const vault = vaultOf(api);
  const { encrypted } = await vault.encrypt({ keyring: KEYRING, name: "a", data: "s3cret" });
  await vault.encrypt({ keyring: "ws_2", name: "a", data: "other" });
  const at = encrypted.length - 3;
  const changed = encrypted.slice(0, at) + (encrypted[at] === "A" ? "B" : "A") + encrypted.slice(at + 1);
  const wrong = [
    { keyring: KEYRING, name: "b", encrypted },
    { keyring: KEYRING, name: "", encrypted },
    { keyring: "ws_2", name: "a", encrypted },
    { keyring: "ws_3", name: "a", encrypted },
    { keyring: KEYRING, name: "a", encrypted: changed },
    { keyring: KEYRING, name: "a", encrypted: encrypted.slice(0, -1) },
    { keyring: KEYRING, name: "a", encrypted: "" },
  ];
  for (const request of wrong) {
    await refused(vault.decrypt(request), Code.InvalidArgument, CHANGED);
    await refused(vault.reEncrypt(request), Code.InvalidArgument, CHANGED);
  }
});

Deno.test("a rotated data key goes on decrypting, and encrypts nothing more", async () => {
  await using api = await startApi({ dataKeyUses: 2 });
  const vault = vaultOf(api);
  const made = [];
  for (let count = 0; count < 5; count++) {
    made.push(await vault.encrypt({ keyring: KEYRING, data: `text ${count}` }));
  }
  assert.equal(new Set(made.map(({ keyId }) => keyId)).size, 3);
  for (const [count, { encrypted }] of made.entries()) {
    assert.equal((await vault.decrypt({ keyring: KEYRING, encrypted })).plaintext, `text ${count}`);
  }
});

Deno.test("texts of a bulk come back by their ids, bound to them if that is asked for; one wrong one fails all", async () => {
  await using api = await startApi();
  const vault = vaultOf(api);
  const texts = { first: "1", second: "2", __proto__x: "3" };
  const { items } = await vault.encryptBulk({ keyring: KEYRING, items: texts });
  const encrypted = Object.fromEntries(Object.entries(items).map(([id, item]) => [id, item.encrypted]));
  assert.deepEqual((await vault.decryptBulk({ keyring: KEYRING, items: encrypted })).items, texts);
  const { first = "", second = "" } = encrypted;
  const swapped = { first: second, second: first };
  assert.deepEqual((await vault.decryptBulk({ keyring: KEYRING, items: swapped })).items, {
    first: "2",
    second: "1",
  });
  const bound = await vault.encryptBulk({ keyring: KEYRING, items: texts, idsAreNames: true });
  const one = bound.items["first"]?.encrypted ?? "";
  assert.equal((await vault.decrypt({ keyring: KEYRING, name: "first", encrypted: one })).plaintext, "1");
  await refused(
    vault.decryptBulk({ keyring: KEYRING, items: { first: one, second: one }, idsAreNames: true }),
    Code.InvalidArgument,
    /items\.second was not encrypted/,
  );
  assert.deepEqual((await vault.decryptBulk({ keyring: KEYRING })).items, {});
});

Deno.test("a request over a limit is refused, and its texts are in no answer and no log line", async (t) => {
  await using api = await startApi();
  const vault = vaultOf(api);
  const text = "s3cret";
  const long = text.repeat(11_000);
  const many = Object.fromEntries(Array.from({ length: 501 }, (_, at) => [`i${at}`, text]));
  const large = Object.fromEntries(Array.from({ length: 18 }, (_, at) => [`i${at}`, long.slice(0, 65_000)]));
  const { InvalidArgument } = Code;
  await eachRefused(t, [
    ["no keyring", () => vault.encrypt({ data: text }), InvalidArgument, /keyring must be 1 to 255/],
    ["a space", () => vault.encrypt({ keyring: "a ", data: text }), InvalidArgument, /keyring/],
    ["a long keyring", () => vault.decrypt({ keyring: "k".repeat(256) }), InvalidArgument, /keyring/],
    ["a long name", () => vault.encrypt({ keyring: "a", name: "n".repeat(513) }), InvalidArgument, /name/],
    ["a long text", () => vault.encrypt({ keyring: "a", data: long }), InvalidArgument, /data must have/],
    [
      "a long ciphertext",
      () => vault.decrypt({ keyring: "a", encrypted: "x".repeat(100_000) }),
      InvalidArgument,
      /encrypted must have/,
    ],
    ["many texts", () => vault.encryptBulk({ keyring: "a", items: many }), InvalidArgument, /at most 500/],
    ["large texts", () => vault.decryptBulk({ keyring: "a", items: large }), InvalidArgument, /together/],
    [
      "one long text of many",
      () => vault.encryptBulk({ keyring: "a", items: { x: long } }),
      InvalidArgument,
      /items\.x must have/,
    ],
  ]);
  assert.ok(!api.lines.some((line) => line.includes(text)));
});

Deno.test("concurrent first calls of a keyring make one data key", async () => {
  await using api = await startApi();
  const vault = vaultOf(api);
  const made = await Promise.all(
    Array.from({ length: 50 }, () => vault.encrypt({ keyring: "ws_new", data: "x" })),
  );
  assert.equal(new Set(made.map(({ keyId }) => keyId)).size, 1);
});
