import assert from "node:assert/strict";
import { join } from "node:path";
import { mergeSettings, readSettings, writeSettings } from "./settings.ts";

const NONE = { env: () => undefined, readFile: () => "" };

Deno.test("settings of an upgrade are those that were there, with those that are given in their place", () => {
  const former = { UNKEY_DOMAIN: "old.example.com", UNKEY_EMAIL: "ops@example.com", UNKEY_IMAGES_KEPT: "3" };
  const flags = new Map<string, string | boolean>([["domain", "new.example.com"], ["install", true], [
    "program",
    "/x",
  ]]);
  const env = (name: string): string | undefined => name === "UNKEY_HSTS_SECONDS" ? "60" : undefined;
  const { values, config } = mergeSettings(former, { ...NONE, flags, env });
  assert.deepEqual(values, { ...former, UNKEY_DOMAIN: "new.example.com", UNKEY_HSTS_SECONDS: "60" });
  assert.deepEqual([config.domain, config.imagesKept, config.hstsSeconds], ["new.example.com", 3, 60]);
  assert.equal(config.install, false, "an install is no setting of the service");
});

Deno.test("settings that do not go together are refused before anything is written", () => {
  const flags = new Map([["domain", "apps.example.com"]]);
  assert.throws(() => mergeSettings({}, { ...NONE, flags }), /--email \(UNKEY_EMAIL\) is required/);
  assert.throws(
    () => mergeSettings({ UNKEY_UP_API_PORT: "x" }, { ...NONE, flags: new Map() }),
    /must be a port/,
  );
});

Deno.test("settings are kept in a file that only root can read, secrets too", async () => {
  const folder = await Deno.makeTempDir({ prefix: "unkey-test-" });
  try {
    const path = join(folder, "etc", "up.env");
    assert.deepEqual(await readSettings(path), {});
    const env = (name: string): string | undefined =>
      name === "UNKEY_ACME_DNS_CLOUDFLARE_TOKEN" ? "s3cret" : undefined;
    const { values } = mergeSettings({}, { ...NONE, flags: new Map(), env });
    await writeSettings(path, values);
    assert.deepEqual(await readSettings(path), { UNKEY_ACME_DNS_CLOUDFLARE_TOKEN: "s3cret" });
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
    assert.match(await Deno.readTextFile(path), /^# Settings of unkey/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
