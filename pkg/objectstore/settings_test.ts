import assert from "node:assert/strict";
import { loadConfig } from "../config/mod.ts";
import { OBJECT_STORE_FIELDS, objectStoreProblems } from "./settings.ts";

function problems(env: Readonly<Record<string, string>>): readonly string[] {
  const values: Readonly<Record<string, string>> = { UNKEY_BUILD_FILES_DIR: "/files", ...env };
  const sources = { flags: new Map(), env: (name: string) => values[name], readFile: () => "" };
  return objectStoreProblems(loadConfig(OBJECT_STORE_FIELDS, sources));
}

Deno.test("a signing key that can be guessed is refused, and the error does not show it", () => {
  assert.deepEqual(problems({}), []);
  assert.deepEqual(problems({ UNKEY_BUILD_FILES_SIGNING_KEY: "f0e1d2c3b4a5968778695a4b3c2d1e0f" }), []);
  for (const weak of ["key", "changeme".repeat(3)]) {
    const [text = "", ...more] = problems({ UNKEY_BUILD_FILES_SIGNING_KEY: weak });
    assert.deepEqual(more, []);
    assert.match(text, /^UNKEY_BUILD_FILES_SIGNING_KEY must .*openssl rand -hex 32/);
    assert.ok(!text.includes(weak) || weak === "key");
  }
});
