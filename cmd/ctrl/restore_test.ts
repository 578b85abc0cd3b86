import assert from "node:assert/strict";
import { onlyJson, temporaryFolder, unkey } from "../shared/testing.ts";

Deno.test("ctrl restore says how many keys and tokens are good, and of which moment", async () => {
  await using folder = await temporaryFolder();
  const env = (name: string) => ({ UNKEY_DATABASE_PRIMARY: `sqlite://${folder.path}/${name}.db` });
  const backup = `${folder.path}/backup`;
  assert.equal((await unkey(["ctrl", "migrate"], { env: env("from") })).code, 0);
  assert.equal((await unkey(["ctrl", "backup", backup], { env: env("from") })).code, 0);
  const { code, stdout, stderr } = await unkey(["ctrl", "restore", backup], { env: env("text") });
  assert.equal(code, 0, stderr);
  const moment = String.raw`20\d\d-\d\d-\d\dT\S+Z`;
  assert.match(
    stdout,
    new RegExp(`^\\d+ rows of ${moment} are restored\n0 root keys and 0 region tokens are good, `),
  );
  assert.match(
    stdout,
    new RegExp(`are good, as of ${moment}: revoke again those that were revoked since\n$`),
  );
  const args = ["ctrl", "restore", backup, "--revoke-region-tokens", "--json"];
  const printed = onlyJson(await unkey(args, { env: env("json") }));
  assert.partialDeepStrictEqual(printed, { rootKeys: 0, regionTokens: 0, revokedRegionTokens: 0 });
});
