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

Deno.test("KRANE_FIELDS refuses unknown runtimes, and port ranges that are none", () => {
  assert.throws(() => load({ runtime: "nomad" }), /must be docker or kubernetes/);
  for (const range of ["1", "9-1", "0-5", "1-70000"]) {
    assert.throws(() => load({ "host-ports": range }), /two ports/);
  }
});

Deno.test("KRANE_FIELDS reads the settings of pods", async (t) => {
  const config = load({
    runtime: "kubernetes",
    "node-selector": "pool=apps,disk=ssd",
    tolerations: "a=b:NoSchedule,c,d:NoExecute",
    "egress-denied-cidrs": "none",
    "ingress-cidrs": "10.1.0.0/16,fd00::/8",
  });
  assert.deepEqual(config.nodeSelector, { pool: "apps", disk: "ssd" });
  assert.deepEqual(config.tolerations, [
    { key: "a", value: "b", effect: "NoSchedule" },
    { key: "c" },
    { key: "d", effect: "NoExecute" },
  ]);
  assert.deepEqual(config.egressDeniedCidrs, []);
  assert.deepEqual(config.ingressCidrs, ["10.1.0.0/16", "fd00::/8"]);
  const bad: [string, string, RegExp][] = [
    ["node-selector", "pool", /must be pairs/],
    ["tolerations", "a:Sometimes", /must be taints/],
    ["ingress-cidrs", "example.com", /must be networks/],
    ["runtime-class", "G Visor", /name of a Kubernetes object/],
  ];
  for (const [flag, value, text] of bad) {
    await t.step(flag, () => assert.throws(() => load({ [flag]: value }), text));
  }
});
