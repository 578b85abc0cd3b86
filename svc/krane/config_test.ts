import assert from "node:assert/strict";
import { loadConfig } from "../../pkg/config/mod.ts";
import { KRANE_FIELDS } from "./config.ts";

function load(flags: Record<string, string>) {
  return loadConfig(KRANE_FIELDS, {
    flags: new Map(Object.entries({ "control-plane-url": "http://x", region: "r", ...flags })),
    env: (name) => name === "UNKEY_CONTROL_PLANE_BEARER" ? "token" : undefined,
    readFile: () => "",
  });
}

Deno.test("KRANE_FIELDS has a default for all that needs none", () => {
  const config = load({});
  assert.deepEqual([config.httpPort, config.runtime, config.hostPorts], [8070, "docker", {
    first: 20_000,
    last: 29_999,
  }]);
});

Deno.test("KRANE_FIELDS refuses the runtime that does not exist yet, and port ranges that are none", () => {
  assert.throws(() => load({ runtime: "kubernetes" }), /"kubernetes" does not exist yet: use docker/);
  for (const range of ["1", "9-1", "0-5", "1-70000"]) {
    assert.throws(() => load({ "host-ports": range }), /two ports/);
  }
});
