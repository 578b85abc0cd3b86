import assert from "node:assert/strict";
import { onlyJson, temporaryFolder, unkey } from "../shared/testing.ts";

Deno.test("ctrl migrate names each migration that it applied, and does nothing the second time", async () => {
  await using folder = await temporaryFolder();
  const env = { UNKEY_DATABASE_PRIMARY: `sqlite://${folder.path}/ctrl.db` };
  const first = await unkey(["ctrl", "migrate"], { env });
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /^applied 0001_base\n/);
  assert.match((await unkey(["ctrl", "migrate"], { env })).stdout, /^The database is up to date\.\n$/);
  assert.deepEqual(onlyJson(await unkey(["ctrl", "migrate", "--json"], { env })), { applied: [] });
});

Deno.test("ctrl migrate fails with an error text without the password when the database does not answer", async () => {
  const env = { UNKEY_DATABASE_PRIMARY: "mysql://root:hunter2@127.0.0.1:1/unkey" };
  const { code, stdout, stderr } = await unkey(["ctrl", "migrate"], { env });
  assert.deepEqual([code, stdout], [20, ""]);
  assert.match(stderr, /^error: /);
  assert.doesNotMatch(stderr, /hunter2/);
});
