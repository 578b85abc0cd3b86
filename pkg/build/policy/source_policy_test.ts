import assert from "node:assert/strict";
import { type Policy, PolicyAction } from "../../../proto/gen/moby/buildkit/v1/sourcepolicy/policy_pb.ts";
import { sourcePolicy, type SourceRules } from "./source_policy.ts";

/** As BuildKit evaluates rules: all are allowed, and the last rule that matches decides. */
function allows({ rules }: Policy, identifier: string): boolean {
  return rules.reduce(
    (allowed, { selector, action }) =>
      new RegExp(selector?.identifier ?? assert.fail()).test(identifier)
        ? action === PolicyAction.ALLOW
        : allowed,
    true,
  );
}

const RULES: SourceRules = {
  deniedHosts: [],
  trustedRegistries: [],
  frontends: [],
  privateNetworks: false,
};

type Table = Readonly<Record<"allowed" | "denied", readonly string[]>>;

async function check(
  t: Deno.TestContext,
  rules: Partial<SourceRules>,
  { allowed, denied }: Table,
): Promise<void> {
  const policy = sourcePolicy({ ...RULES, ...rules });
  for (const [identifiers, expected] of [[allowed, true], [denied, false]] as const) {
    for (const identifier of identifiers) {
      await t.step(`${expected ? "allows" : "denies"} ${JSON.stringify(identifier)}`, () => {
        assert.equal(allows(policy, identifier), expected);
      });
    }
  }
}

Deno.test("sourcePolicy() denies this machine and private networks, however they are written", (t) =>
  check(t, {}, {
    allowed: [
      "docker-image://docker.io/library/alpine:latest",
      "docker-image://docker.io/library/alpine@sha256:0123456789abcdef",
      "docker-image://ghcr.io/a/b:1",
      "docker-image://registry.example.com:5000/a:1",
      "docker-image://0815.de/a:1",
      "docker-image://8.8.8.8:5000/a:1",
      "oci-layout+blob://ghcr.io/a/b@sha256:01",
      "local://context",
      "https://example.com/a.tar.gz",
      "https://EXAMPLE.com",
      "https://example.com.",
      "https://example.com?x=http://127.0.0.1/",
      "https://example.com/http://127.0.0.1/",
      "https://example.com#@127.0.0.1",
      "https://user:pass%40word@example.com:8443/a",
      "https://xn--mnchen-3ya.de/a",
      "https://1.1.1.1/a",
      "https://100.63.0.1/a",
      "https://100.128.0.1/a",
      "https://172.15.0.1/a",
      "https://172.32.0.1/a",
      "https://192.0.1.1/a",
      "https://192.169.0.1/a",
      "https://198.17.0.1/a",
      "https://223.255.255.255/a",
      "https://10.example.com/a",
      "https://127.0.0.1.example.com/a",
      "https://localhost.example.com/a",
      "https://internal.example.com/a",
      "https://00.fed.de/a",
      "git://github.com/a/b.git#main:sub",
      "git://github.com/a/b.git#feature@10.0.0.1",
    ],
    denied: [
      "http://127.0.0.1/",
      "http://127.0.0.1",
      "http://127.0.0.1?x",
      "http://127.0.0.1#x",
      "http://127.0.0.1:8080/a",
      "http://127.0.0.1:/a",
      "http://127.0.0.1:00080/a",
      "http://127.0.0.1./a",
      "http://127.0.0.1/a\nb",
      "http://127.255.0.9/",
      "http://user@127.0.0.1/",
      "http://user:password@127.0.0.1:80/",
      "http://user:p@ss@127.0.0.1/",
      "http://example.com@127.0.0.1/",
      "http://127.1/",
      "http://127.0.1/",
      "http://127/",
      "http://0/",
      "http://0.0.0.0/",
      "http://2130706433/",
      "http://017700000001/",
      "http://0177.0.0.1/",
      "http://0x7f.0.0.1/",
      "http://0x7f.1/",
      "http://0X7F000001/",
      "http://127.0.0.0x1/",
      "http://8.8.8.010/",
      "http://08.8.8.8/",
      "http://0x/",
      "http://:8080/a",
      "http://user@:8080/a",
      "http:///a",
      "http://localhost/",
      "http://LOCALHOST:80/",
      "http://localhost./",
      "http://a.localhost/",
      "http://a.localhost./",
      "http://localhost.localdomain/",
      "http://metadata/",
      "http://metadata./",
      "http://metadata.google.internal/computeMetadata/v1/",
      "http://host.docker.internal:2375/",
      "http://kubernetes.default.svc/",
      "http://api.prod.svc.cluster.local/",
      "http://nas.fritz.lan/",
      "http://x.home.arpa/",
      "http://169.254.169.254/latest/meta-data/",
      "http://168.63.129.16/machine",
      "http://192.0.0.192/",
      "http://10.1.2.3/",
      "http://100.64.0.1/",
      "http://100.100.100.200/",
      "http://100.127.255.255/",
      "http://172.16.0.1/",
      "http://172.31.255.255/",
      "http://192.168.0.1/",
      "http://198.18.0.1/",
      "http://198.19.0.1/",
      "http://224.0.0.1/",
      "http://255.255.255.255/",
      "http://[::1]/",
      "http://[::1]:8080/a",
      "http://[::]/",
      "http://[::ffff:127.0.0.1]/",
      "http://[::ffff:7f00:1]/",
      "http://[fe80::1%25eth0]/",
      "http://[fd00::1]/",
      "http://[64:ff9b::7f00:1]/",
      "http://[2001:db8::1]/",
      "http://user@[::1]/",
      // HTTP clients make 127.0.0.1 and localhost of these.
      "http://\uff11\uff12\uff17.0.0.1/",
      "http://127\u30020\u30020\u30021:8080/",
      "http://\u2460\u2461\u2466.0.0.1/",
      "http://\u24dbocalhost/",
      "http://loc\u00adalhost/",
      "http://%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1/",
      "http://user@\uff11\uff12\uff17.0.0.1/",
      "HTTP://127.0.0.1/",
      "https://127.0.0.1/",
      "git://127.0.0.1/a.git",
      "git://127.0.0.1:3000/a.git#main",
      "git://127.0.0.1/a.git#main\nb",
      "git://127.0.0.1/a\nb.git",
      "git://gitea/a.git",
      "git://git@10.0.0.1/a.git",
      "ssh://git@10.0.0.1/a.git",
      "docker-image://localhost/a:1",
      "docker-image://localhost:5000/a:1",
      "docker-image://10.0.0.5:5000/a@sha256:01",
      "docker-image://[::1]:5000/a:1",
      "docker-image://registry:5000/a:1",
      "docker-image://Docker/dockerfile:1",
      "docker-image+blob://10.0.0.5:5000/a@sha256:01",
      "oci-layout://10.0.0.5/a@sha256:01",
      "oci-layout+blob://10.0.0.5/a@sha256:01",
    ],
  }));

Deno.test("sourcePolicy() allows private networks to a builder that serves its owner only", (t) =>
  check(t, { privateNetworks: true }, {
    allowed: [
      "http://127.0.0.1/",
      "git://gitea/a.git",
      "docker-image://localhost:5000/a",
      "https://m\u00fcnchen.de/a",
    ],
    denied: [],
  }));

Deno.test("sourcePolicy() denies hosts of the platform, with any user, case, port and trailing dot", async (t) => {
  for (const privateNetworks of [false, true]) {
    await check(t, {
      privateNetworks,
      deniedHosts: ["Ctrl.example.com", "api.example.com:8443", "a_b.example.com:443"],
    }, {
      allowed: [
        "https://example.com/ctrl.example.com/",
        "https://xctrl.example.com/",
        "https://ctrl-example.com/",
        "https://ctrlxexample.com/",
        "https://ctrl.example.com.evil.org/",
        "https://api.example.com/",
        "https://api.example.com:443/",
        "https://a_b.example.com:444/",
      ],
      denied: [
        "https://ctrl.example.com",
        "https://ctrl.example.com/a",
        "https://CTRL.example.com?x",
        "https://ctrl.example.com./a",
        "https://ctrl.example.com:443/a",
        "http://ctrl.example.com:8080/a",
        "http://ctrl.example.com:/a",
        "http://user@ctrl.example.com/a",
        "http://ctrl.example.com/a\nb",
        "http://\uff43trl.example.com/a",
        "git://ctrl.example.com/a.git",
        "docker-image://ctrl.example.com/a:1",
        "https://api.example.com:8443/a",
        "https://api.example.com:08443/a",
        "https://api.example.com.:8443/a",
        "https://a_b.example.com:443/a",
      ],
    });
  }
});

Deno.test("sourcePolicy() keeps the registry of built images to the workspace's own and to shared parts", (t) =>
  check(t, {
    registryName: "r.example.com/apps",
    ownImages: "r.example.com/apps/ws_a/",
    trustedRegistries: ["r.example.com/base"],
  }, {
    allowed: [
      "docker-image://r.example.com/apps/ws_a/shop:d_1",
      "docker-image://R.example.com:443/apps/ws_a/shop@sha256:01",
      "docker-image://r.example.com/base/node:20",
      "docker-image://other.example.com/apps/ws_b/shop:d_1",
      "docker-image://rxexample.com/apps/ws_b/shop:d_1",
      "docker-image://r.example.com:5000/apps/ws_b/shop:d_1",
    ],
    denied: [
      "docker-image://r.example.com/apps/ws_b/shop:d_1",
      "docker-image://R.EXAMPLE.COM/apps/ws_b/shop:d_1",
      "docker-image://r.example.com:443/apps/ws_b/shop:d_1",
      "docker-image://r.example.com:0443/apps/ws_b/shop:d_1",
      "docker-image://r.example.com:80/apps/ws_b/shop:d_1",
      "docker-image://r.example.com/apps/ws_ab/shop:d_1",
      "docker-image://r.example.com/basement/node:20",
      "docker-image://r.example.com/other:1",
      "docker-image+blob://r.example.com/apps/ws_b/shop@sha256:01",
      "oci-layout://r.example.com/apps/ws_b/shop@sha256:01",
      "https://r.example.com/v2/apps/ws_b/shop/manifests/d_1",
      "https://r.example.com./v2/apps/ws_b/shop/manifests/d_1",
      "https://r.example.com:/v2/apps/ws_b/shop/manifests/d_1",
      "https://user@r.example.com/v2/apps/ws_b/shop/manifests/d_1",
      "https://r.example.com/apps/ws_a/shop",
    ],
  }));

Deno.test("sourcePolicy() allows images of trusted registries, although they are private", (t) =>
  check(t, {
    registryName: "10.0.0.5:5000",
    ownImages: "10.0.0.5:5000/ws_a/",
    trustedRegistries: ["mirror:5000", "nexus.lan", "10.0.0.5:5000/base", "[fd00::5]:5000"],
  }, {
    allowed: [
      "docker-image://mirror:5000/a:1",
      "docker-image://nexus.lan/a:1",
      "docker-image://nexus.lan:443/a:1",
      "docker-image://NEXUS.lan/a:1",
      "docker-image://10.0.0.5:5000/ws_a/shop:d_1",
      "docker-image://10.0.0.5:5000/base/node:20",
      "docker-image://[fd00::5]:5000/a:1",
    ],
    denied: [
      "docker-image://mirror:5001/a:1",
      "docker-image://mirror/a:1",
      "docker-image://nexus.lan:8443/a:1",
      "docker-image://nexus.lan.:443/a:1",
      "docker-image://10.0.0.5:5000/ws_b/shop:d_1",
      "docker-image://10.0.0.5:05000/ws_b/shop:d_1",
      "docker-image://10.0.0.5/base/node:20",
      "docker-image://[fd00::6]:5000/a:1",
      "http://mirror:5000/v2/",
      "https://nexus.lan/a",
      "http://x@10.0.0.5:5000/v2/",
    ],
  }));

/** BuildKit's expressions are RE2, which has neither look-around nor back-references. */
Deno.test("sourcePolicy() writes expressions that RE2 takes", () => {
  const { rules } = sourcePolicy({
    ...RULES,
    deniedHosts: ["ctrl.example.com:443", "a_b-c.example.com"],
    trustedRegistries: ["mirror:5000", "[fd00::5]:5000", "r.example.com/base_x/y-z"],
    registryName: "r.example.com",
    ownImages: "r.example.com/ws_a/",
  });
  for (const { selector: { identifier } = assert.fail() } of rules) {
    assert.doesNotMatch(identifier, /\(\?(?!:|is:)/, "a group that RE2 may not know");
    assert.doesNotMatch(identifier, /\\[a-zA-Z0-9]/, "an escape that RE2 may not know");
    assert.match(identifier, /^\^\(\?is:[\x20-\x7e]+\)$/);
  }
});
