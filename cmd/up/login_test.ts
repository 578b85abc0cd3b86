import assert from "node:assert/strict";
import { type Profile, readCredentials, writeCredentials } from "../shared/credentials.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { logIn } from "./login.ts";

function login(apiBaseUrl: string, key: string): Profile {
  return { apiBaseUrl, rootKey: new Secret(key), workspaceSlug: "local" };
}

async function withConfig(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "unkey-config-" });
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function keyOf(directory: string, profile: string): Promise<string | undefined> {
  return (await readCredentials(directory, profile))?.rootKey.reveal();
}

Deno.test("the first login becomes the default", () =>
  withConfig(async (directory) => {
    const said = await logIn(directory, login("http://127.0.0.1:7091", "unkey_1"));
    assert.equal(said, "workspace local, as the default");
    assert.equal(await keyOf(directory, "default"), "unkey_1");
    assert.equal(await keyOf(directory, "local"), "unkey_1");
  }));

Deno.test("a login of an earlier local platform is replaced, also one on another port", () =>
  withConfig(async (directory) => {
    await logIn(directory, login("http://127.0.0.1:9000", "unkey_1"));
    await logIn(directory, login("http://127.0.0.1:7091", "unkey_2"));
    assert.equal(await keyOf(directory, "default"), "unkey_2");
  }));

/** Otherwise trying the platform out would log the user out of their company's. */
Deno.test("a login to another platform stays the default", () =>
  withConfig(async (directory) => {
    await writeCredentials(directory, login("https://api.example.com", "unkey_company"));
    const said = await logIn(directory, login("http://127.0.0.1:7091", "unkey_1"));
    assert.match(said, /your login to https:\/\/api\.example\.com was kept.*"local"/);
    assert.equal(await keyOf(directory, "default"), "unkey_company");
    assert.equal(await keyOf(directory, "local"), "unkey_1");
  }));
