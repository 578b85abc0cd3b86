import assert from "node:assert/strict";
import { loadConfig, Secret } from "../config/mod.ts";
import { Fault } from "../fault/mod.ts";
import {
  credentialsFor,
  type Registry,
  REGISTRY_ADDRESS_FIELD,
  REGISTRY_FIELDS,
  registryOf,
  registryProblems,
} from "./mod.ts";

function load(env: Readonly<Record<string, string>>): Registry | undefined {
  const readFile = (): never => assert.fail("no file is read");
  const sources = { flags: new Map<string, string>(), env: (name: string) => env[name], readFile };
  const fields = { ...REGISTRY_FIELDS, ...REGISTRY_ADDRESS_FIELD };
  return registryOf(loadConfig(fields, sources, registryProblems));
}

Deno.test("a registry is named as images are, with or without a user", () => {
  assert.equal(load({}), undefined);
  assert.deepEqual(load({ UNKEY_REGISTRY_URL: "localhost:5000/" }), { name: "localhost:5000" });
  assert.deepEqual(load({ UNKEY_REGISTRY_URL: "localhost:5000", UNKEY_REGISTRY_ADDRESS: "registry:5000" }), {
    name: "localhost:5000",
    address: "registry:5000",
  });
  const full = load({
    UNKEY_REGISTRY_URL: "registry.example.com/team/apps",
    UNKEY_REGISTRY_USERNAME: "ci",
    UNKEY_REGISTRY_PASSWORD: "s3cret",
  });
  assert.equal(full?.name, "registry.example.com/team/apps");
  assert.equal(full?.credentials?.password.reveal(), "s3cret");
  assert.ok(!JSON.stringify(full).includes("s3cret"));
});

Deno.test("registry settings that cannot work are refused", async (t) => {
  const url = { UNKEY_REGISTRY_URL: "r.example" };
  const table: readonly [string, Record<string, string>, RegExp][] = [
    ["a scheme", { UNKEY_REGISTRY_URL: "https://r.example" }, /without http:\/\//],
    ["capitals", { UNKEY_REGISTRY_URL: "r.example/Apps" }, /must be as images are named/],
    ["a user without a password", { ...url, UNKEY_REGISTRY_USERNAME: "ci" }, /go together/],
    ["a password without a user", { ...url, UNKEY_REGISTRY_PASSWORD: "s3cret" }, /go together/],
    [
      "an address with a scheme",
      { ...url, UNKEY_REGISTRY_ADDRESS: "http://r:5000" },
      /must be a host with its/,
    ],
    [
      "an address with a path",
      { ...url, UNKEY_REGISTRY_ADDRESS: "r:5000/apps" },
      /must be a host with its port/,
    ],
    [
      "an address of no registry",
      { UNKEY_REGISTRY_ADDRESS: "r:5000" },
      /is of no use without --registry-url/,
    ],
    [
      "a user of no registry",
      { UNKEY_REGISTRY_USERNAME: "ci", UNKEY_REGISTRY_PASSWORD: "x" },
      /no use without/,
    ],
  ];
  for (const [name, env, text] of table) {
    await t.step(name, () => {
      assert.throws(
        () => load(env),
        (error) => error instanceof Fault && text.test(error.publicMessage ?? ""),
      );
    });
  }
});

/** An image's name is the user's choice: it must not make the agent hand the password to the user's own host. */
Deno.test("credentials go to the registry that they belong to and to no other", () => {
  const credentials = { username: "ci", password: new Secret("s3cret") };
  const registry = { name: "r.example/apps", credentials };
  assert.equal(credentialsFor(registry, "r.example/apps/ws/p@sha256:1"), credentials);
  for (const image of ["r.example/appsx/p:1", "r.example/other/p:1", "r.example.evil/apps/p:1", "nginx"]) {
    assert.equal(credentialsFor(registry, image), undefined, image);
  }
  assert.equal(credentialsFor(undefined, "r.example/apps/p:1"), undefined);
});
