import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Secret } from "../../pkg/secret/mod.ts";
import { credentialsPath, readCredentials, writeCredentials } from "./credentials.ts";

const LOGIN = { apiBaseUrl: "http://127.0.0.1:7091", rootKey: new Secret("unkey_a"), workspaceSlug: "acme" };

Deno.test("credentials", async (t) => {
  const home = await mkdtemp(join(tmpdir(), "unkey-test-"));
  const directory = join(home, "unkey");
  try {
    await t.step("there are none before the first login", async () => {
      assert.equal(await readCredentials(directory), undefined);
    });

    await t.step("only the owner can read them", async () => {
      await writeCredentials(directory, LOGIN);
      const read = await readCredentials(directory);
      assert.equal(read?.rootKey.reveal(), "unkey_a");
      assert.equal(read?.apiBaseUrl, LOGIN.apiBaseUrl);
      assert.equal((await stat(credentialsPath(directory))).mode & 0o777, 0o600);
      assert.equal((await stat(directory)).mode & 0o777, 0o700);
      assert.deepEqual(await readdir(directory), ["credentials.json"], "no temporary file stays");
    });

    await t.step("a second profile leaves the first as it is", async () => {
      await writeCredentials(directory, { ...LOGIN, rootKey: new Secret("unkey_b") }, "staging");
      assert.equal((await readCredentials(directory))?.rootKey.reveal(), "unkey_a");
      assert.equal((await readCredentials(directory, "staging"))?.rootKey.reveal(), "unkey_b");
    });

    await t.step("a damaged file is named, and its content is not printed", async () => {
      await writeFile(credentialsPath(directory), '{"profiles": "unkey_secret"}');
      await assert.rejects(
        readCredentials(directory),
        (error: Error) => error.message.includes("unkey login") && !error.message.includes("unkey_secret"),
      );
    });
  } finally {
    await rm(home, { recursive: true });
  }
});
