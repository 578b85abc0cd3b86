import assert from "node:assert/strict";
import type { ProxyRequest } from "../../../pkg/proxy/mod.ts";
import type { Instance, Route, Target } from "./route_table.ts";
import type { Split } from "./share.ts";
import { cheapRandom, Splitter } from "./split.ts";

const instance = (key: string): Instance => ({ key, host: "h", port: 1, instanceId: key, region: "r" });
const SPLIT: Split = { deploymentId: "new", percent: 10, sticky: false, token: "ab12" };
const LIVE = [instance("live-1"), instance("live-2")];
const NEW = [instance("new-1"), instance("new-2"), instance("new-3")];

function target(split: Partial<Split> | undefined, instances = LIVE): Target {
  const route: Route = {
    routeId: "r",
    hostname: "shop",
    deploymentId: "live",
    environmentId: "e",
    workspaceId: "w",
    stopped: false,
    redirectHostname: "",
    split: split && { ...SPLIT, ...split },
  };
  return { route, instances };
}

function request(cookies: readonly string[] = []): ProxyRequest {
  return {
    id: "i",
    method: "GET",
    target: "/",
    host: "shop",
    hostHeader: "shop",
    headers: cookies.map((value) => ({ name: "Cookie", lower: "cookie", value })),
    clientAddress: "127.0.0.1",
    scheme: "http",
    hops: 0,
  };
}

function splitter(
  { random = cheapRandom(1), scheme = "http" as "http" | "https", instances = NEW } = {},
): { of: Splitter["of"]; untried: Splitter["untried"]; unreachable: string[] } {
  const unreachable: string[] = [];
  const splits = new Splitter({
    random,
    instancesOf: (id) => id === "new" ? instances : [],
    schemeOf: () => scheme,
    onUnreachable: (id) => unreachable.push(id),
  });
  return {
    of: (...given) => splits.of(...given),
    untried: (...given) => splits.untried(...given),
    unreachable,
  };
}

Deno.test("a share of the requests goes to the new version, and without a split none", () => {
  const { of } = splitter();
  for (const percent of [1, 10, 50, 99]) {
    let count = 0;
    for (let made = 0; made < 20_000; made++) {
      if (of(request(), target({ percent })).deploymentId === "new") count++;
    }
    assert.ok(Math.abs(count / 200 - percent) < 1, `${count / 200} % instead of ${percent} %`);
  }
  const whole = of(request(), target(undefined));
  assert.deepEqual([whole.deploymentId, whole.others, whole.setCookie], ["live", [], undefined]);
});

Deno.test("a request has one version, however often it is asked for", () => {
  const places = [0.05, 0.95];
  const { of } = splitter({ random: () => places.shift() ?? 0.95 });
  const one = request();
  assert.equal(of(one, target({})).deploymentId, "new");
  assert.equal(of(one, target({})).deploymentId, "new");
  assert.equal(of(request(), target({})).deploymentId, "live");
});

Deno.test("a sticky split keeps a client at its version by a cookie, and a greater share takes further clients only", () => {
  const { of } = splitter({ random: () => 0.3, scheme: "https" });
  const first = of(request(), target({ sticky: true }));
  assert.equal(first.deploymentId, "live");
  assert.equal(
    first.setCookie,
    "unkey-split=ab12.30; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure",
  );
  const table: readonly [cookies: readonly string[], percent: number, version: string, isKnown: boolean][] = [
    [["unkey-split=ab12.30"], 10, "live", true],
    [["unkey-split=ab12.30"], 50, "new", true],
    [["a=b; unkey-split=ab12.9; c=d"], 10, "new", true],
    [["a=b", "unkey-split=ab12.9"], 10, "new", true],
    [["unkey-split=ffff.9"], 10, "live", false],
    [["unkey-split=ab12.100"], 10, "live", false],
    [["unkey-split=ab12.-1"], 10, "live", false],
    [["xunkey-split=ab12.9"], 10, "live", false],
    [["unkey-split=ab12.9x"], 10, "live", false],
    [[`unkey-split=${"9".repeat(10_000)}`], 10, "live", false],
  ];
  for (const [cookies, percent, version, isKnown] of table) {
    const { deploymentId, setCookie } = of(request(cookies), target({ sticky: true, percent }));
    assert.deepEqual(
      [deploymentId, setCookie === undefined],
      [version, isKnown],
      String(cookies).slice(0, 40),
    );
  }
  const plain = splitter({ random: () => 0.3 }).of(request(), target({ sticky: true }));
  assert.doesNotMatch(plain.setCookie ?? "", /Secure/);
  assert.equal(
    of(request(["unkey-split=ab12.9"]), target({})).deploymentId,
    "live",
    "without sticky no cookie counts",
  );
});

Deno.test("a version without instances gets no request, nor a client that would stay", () => {
  const gone = splitter({ random: () => 0, instances: [] }).of(request(), target({ sticky: true }));
  assert.deepEqual([gone.deploymentId, gone.instances, gone.others, gone.setCookie], [
    "live",
    LIVE,
    [],
    undefined,
  ]);
  const live = splitter({ random: () => 0.9 }).of(request(), target({}, []));
  assert.deepEqual([live.deploymentId, live.instances], ["new", NEW]);
  const none = splitter({ instances: [] }).of(request(), target({}, []));
  assert.deepEqual(none.instances, []);
});

Deno.test("a version that takes no connection is followed by the other one, and counted", () => {
  const { of, untried, unreachable } = splitter({ random: () => 0 });
  const choice = of(request(), target({}));
  const keys = (tried: readonly string[]): readonly string[] =>
    untried(choice, new Set(tried)).map(({ key }) => key);
  assert.deepEqual(keys([]), ["new-1", "new-2", "new-3"]);
  assert.deepEqual(keys(["new-1"]), ["new-2", "new-3"]);
  assert.deepEqual(unreachable, []);
  assert.deepEqual(keys(["new-1", "new-2"]), ["live-1", "live-2"]);
  assert.deepEqual(unreachable, ["new"]);
  const one = splitter({ random: () => 0, instances: NEW.slice(0, 1) });
  const only = one.of(request(), target({}));
  assert.deepEqual(one.untried(only, new Set(["new-1"])).map(({ key }) => key), ["live-1", "live-2"]);
});
