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

/** The control plane would refuse each address of an instance. */
Deno.test("KRANE_FIELDS takes an IP address to publish instances at, and none that stands for every one", () => {
  for (const address of ["10.0.0.5", "127.0.0.1", "fd00::5", "::1"]) {
    assert.equal(load({ "publish-address": address }).publishAddress, address);
  }
  for (const address of ["0.0.0.0", "::", "0:0::0", "host.docker.internal", "", "10.0.0.5:80"]) {
    assert.throws(() => load({ "publish-address": address }), /--publish-address .* must be an IP address/);
  }
});

Deno.test("KRANE_FIELDS reads the settings of pods", async (t) => {
  const config = load({
    runtime: "kubernetes",
    "node-selector": "pool=apps,disk=ssd",
    tolerations: "a=b:NoSchedule,c,d:NoExecute,node.kubernetes.io/not-ready:NoExecute:20",
    "egress-denied-cidrs": "none",
    "ingress-cidrs": "10.1.0.0/16,fd00::/8",
  });
  assert.deepEqual(config.nodeSelector, { pool: "apps", disk: "ssd" });
  assert.deepEqual(config.tolerations, [
    { key: "a", value: "b", effect: "NoSchedule" },
    { key: "c" },
    { key: "d", effect: "NoExecute" },
    { key: "node.kubernetes.io/not-ready", effect: "NoExecute", seconds: 20 },
  ]);
  assert.deepEqual(config.egressDeniedCidrs, []);
  assert.deepEqual(config.ingressCidrs, ["10.1.0.0/16", "fd00::/8"]);
  const bad: [string, string, RegExp][] = [
    ["node-selector", "pool", /must be pairs/],
    ["tolerations", "a:Sometimes", /must be taints/],
    ["ingress-cidrs", "example.com", /must be networks/],
    ["tolerations", "a:NoSchedule:5", /must be taints/],
    ["tolerations", "a:5", /must be taints/],
    ["capabilities", "ALL", /names of capabilities/],
    ["capabilities", "chown it", /names of capabilities/],
    ["pod-security", "privileged", /must be baseline or restricted/],
    ["pod-labels", "team", /must be pairs/],
    ["pod-labels", "team=a b", /must have values/],
    ["pod-labels", "-team=a", /must have keys/],
    ["pod-labels", "unkey.com/name=x", /keys of the agent's own/],
    ["pod-annotations", "app.kubernetes.io/managed-by=x", /keys of the agent's own/],
    ["dns-servers", "kube-dns", /must be addresses/],
    ["node-lost-seconds", "1", /node-lost-seconds/],
    ["runtime-class", "G Visor", /name of a Kubernetes object/],
  ];
  for (const [flag, value, text] of bad) {
    await t.step(`${flag} ${value}`, () => assert.throws(() => load({ [flag]: value }), text));
  }
});

Deno.test("KRANE_FIELDS takes what an operator adds to pods", () => {
  const config = load({
    capabilities: "cap_chown,SETUID",
    "pod-labels": "team=shop,example.com/cost-centre=7",
    "pod-annotations": "sidecar.istio.io/inject=false,example.com/query=a=b c",
    "dns-servers": "169.254.20.10,fd00::a",
    "dns-namespaces": "none",
  });
  assert.deepEqual(config.capabilities, ["CHOWN", "SETUID"]);
  assert.deepEqual(config.podLabels, { team: "shop", "example.com/cost-centre": "7" });
  assert.deepEqual(config.podAnnotations, {
    "sidecar.istio.io/inject": "false",
    "example.com/query": "a=b c",
  });
  assert.deepEqual([config.dnsServers, config.dnsNamespaces], [["169.254.20.10", "fd00::a"], []]);
});
