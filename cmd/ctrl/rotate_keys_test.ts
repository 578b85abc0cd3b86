import assert from "node:assert/strict";
import { onlyJson, temporaryFolder, unkey } from "../shared/testing.ts";

const [KEY, FORMER] = ["0123456789abcdef0123456789abcdef", "a master key for the tests here."].map(btoa);

Deno.test("ctrl rotate-keys says what it has sealed, and of new data keys when they are asked for", async () => {
  await using folder = await temporaryFolder();
  const env = {
    UNKEY_DATABASE_PRIMARY: `sqlite://${folder.path}/ctrl.db`,
    UNKEY_VAULT_MASTER_KEYS: `${KEY},${FORMER}`,
  };
  assert.equal((await unkey(["ctrl", "migrate"], { env })).code, 0);
  const { code, stdout, stderr } = await unkey(["ctrl", "rotate-keys"], { env });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^0 data keys were sealed anew, 0 had .*\nThe former master keys are not needed/);
  const { stdout: renewed } = await unkey(["ctrl", "rotate-keys", "--data-keys"], { env });
  assert.match(renewed, /\n0 keyrings have a new data key\.\n/);
  const json = onlyJson(await unkey(["ctrl", "rotate-keys", "--data-keys", "--json"], { env }));
  assert.deepEqual(json, { resealed: 0, current: 0, renewed: 0 });
});

Deno.test("ctrl rotate-keys takes a weak key as a former one only, and shows none", async () => {
  await using folder = await temporaryFolder();
  const weak = new Uint8Array(32).fill(1).toBase64();
  const database = { UNKEY_DATABASE_PRIMARY: `sqlite://${folder.path}/ctrl.db` };
  assert.equal((await unkey(["ctrl", "migrate"], { env: database })).code, 0);
  const run = (keys: string) =>
    unkey(["ctrl", "rotate-keys"], { env: { ...database, UNKEY_VAULT_MASTER_KEYS: keys } });
  const refused = await run(weak);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /UNKEY_VAULT_MASTER_KEYS key 1 must be random, and has only 1 different byte/);
  assert.ok(!refused.stderr.includes(weak));
  assert.equal((await run(`${KEY},${weak}`)).code, 0);
});
