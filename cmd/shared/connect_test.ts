import assert from "node:assert/strict";
import { writeCredentials } from "./credentials.ts";
import { UsageError } from "../../pkg/cli/mod.ts";
import { isFault, publicFault } from "../../pkg/fault/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { testProcess } from "../../pkg/testkit/process.ts";
import { calling, connect, LOCAL_API_URL } from "./connect.ts";

const STORED = {
  apiBaseUrl: "https://api.example.com",
  rootKey: new Secret("unkey_stored"),
  workspaceSlug: "acme",
};
const NOTHING = { apiBaseUrl: undefined, caFile: undefined, profile: "default", rootKey: undefined };

Deno.test("connect() warns once of a control plane elsewhere that is called without TLS", async () => {
  await using process = await testProcess({ args: [] });
  const texts: string[] = [];
  const own = { ...process, stderr: (text: string) => void texts.push(text) };
  const to = (apiBaseUrl: string) =>
    connect({ ...NOTHING, apiBaseUrl, rootKey: new Secret("unkey_env") }, own);
  for (const url of ["https://api.example.com", "http://127.0.0.1:7091", "http://localhost:1"]) await to(url);
  assert.deepEqual(texts, []);
  for (let call = 1; call <= 2; call++) await to("http://api.example.com");
  assert.deepEqual(texts, [
    "Warning: http://api.example.com is not encrypted: machines on the way can read what is sent, keys and " +
    "tokens too. Use https://.\n",
  ]);
});

Deno.test("connect() refuses an authority that cannot be read, and names the setting", async () => {
  await using process = await testProcess({ args: [] });
  const config = { ...NOTHING, caFile: "none.pem", rootKey: new Secret("unkey_env") };
  await assert.rejects(
    connect(config, process),
    /"\/.*\/none\.pem" of --ca-file \(UNKEY_CA_FILE\) cannot be read/,
  );
});

Deno.test("connect()", async (t) => {
  await using process = await testProcess({ args: [] });

  await t.step("says how to log in when nobody has", async () => {
    await assert.rejects(connect(NOTHING, process), /not logged in.*unkey login.*UNKEY_ROOT_KEY.*unkey up/);
  });

  await t.step("takes a key from the environment to the local platform", async () => {
    const { baseUrl, token } = await connect({ ...NOTHING, rootKey: new Secret("unkey_env") }, process);
    assert.deepEqual([baseUrl, token.reveal()], [LOCAL_API_URL, "unkey_env"]);
  });

  await writeCredentials(process.directories.config, STORED);

  await t.step("uses the stored login", async () => {
    const { baseUrl, token } = await connect(NOTHING, process);
    assert.deepEqual([baseUrl, token.reveal()], ["https://api.example.com", "unkey_stored"]);
  });

  await t.step("takes the same control plane written otherwise", async () => {
    const { token } = await connect({ ...NOTHING, apiBaseUrl: "https://API.example.com:443/" }, process);
    assert.equal(token.reveal(), "unkey_stored");
  });

  // A URL in a project's own settings could otherwise collect the keys of every user who deploys it.
  await t.step("never gives a stored key to another control plane", async () => {
    for (
      const apiBaseUrl of ["https://evil.example", "http://api.example.com", "https://api.example.com:8443"]
    ) {
      await assert.rejects(
        connect({ ...NOTHING, apiBaseUrl }, process),
        /stored login is for https:\/\/api\.example/,
      );
    }
  });

  await t.step("lets the environment's key go where the settings say", async () => {
    const config = { ...NOTHING, apiBaseUrl: "https://other.example", rootKey: new Secret("unkey_env") };
    const { baseUrl, token } = await connect(config, process);
    assert.deepEqual([baseUrl, token.reveal()], ["https://other.example", "unkey_env"]);
  });
});

/** They were shown as an internal failure of the control plane. */
Deno.test("calling() passes on errors that no call gave, as they are", async () => {
  const connection = { baseUrl: "http://127.0.0.1:1", token: new Secret("unkey_test") };
  const interrupted = new DOMException("Got SIGINT", "AbortError");
  for (const error of [new UsageError("--yes confirms"), interrupted, new RangeError("a bug")]) {
    await assert.rejects(calling(connection, () => Promise.reject(error)), (thrown) => thrown === error);
  }
  const gone = calling(connection, () => Promise.reject(publicFault("unavailable", "Nothing answers.")));
  await assert.rejects(
    gone,
    (error) => isFault(error, "unavailable") && /127\.0\.0\.1:1 does not answer/.test(error.message),
  );
});
