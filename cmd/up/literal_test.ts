import assert from "node:assert/strict";
import { field, portSchema, secretField, textSchema } from "../../pkg/config/mod.ts";
import { literalConfig } from "./literal.ts";

const FIELDS = {
  port: field({ flag: "port", env: "UNKEY_PORT", help: "", schema: portSchema(7091) }),
  home: field({ flag: "home", env: "HOME", help: "", schema: textSchema() }),
  token: secretField({ env: "UNKEY_TOKEN", help: "", required: true }),
};

Deno.test("literal settings take defaults for the rest, and nothing from the environment", () => {
  const { port, home, token } = literalConfig(FIELDS, { UNKEY_TOKEN: "t" });
  assert.deepEqual([port, home, token.reveal()], [7091, undefined, "t"]);
});

/** A setting that was renamed would otherwise silently fall back to its default. */
Deno.test("a name that the part does not have is a bug, and a missing one is reported", () => {
  assert.throws(
    () => literalConfig(FIELDS, { UNKEY_TOKEN: "t", UNKEY_PROT: "1" }),
    /no such setting: UNKEY_PROT/,
  );
  assert.throws(() => literalConfig(FIELDS, {}), /UNKEY_TOKEN is required/);
});
