import assert from "node:assert/strict";
import { PolicyAction } from "../../proto/gen/moby/buildkit/v1/sourcepolicy/policy_pb.ts";
import { solveRequest } from "./solve_request.ts";

/** What the daemon does with a base image: the last rule that fits decides. */
function allows(registry: string, image: string): boolean {
  const { sourcePolicy } = solveRequest("b", "s", {
    contextUrl: "http://store/context",
    dockerfile: "Dockerfile",
    reference: `${registry}/ws_a/proj_1:d_1`,
    registry: { name: registry },
    ownImages: `${registry}/ws_a/`,
    labels: {},
    cacheNamespace: "ws_a",
    signal: new AbortController().signal,
  });
  const fitting = (sourcePolicy?.rules ?? []).filter((rule) =>
    new RegExp(rule.selector?.identifier ?? "").test(`docker-image://${image}`)
  );
  return fitting.at(-1)?.action !== PolicyAction.DENY;
}

Deno.test("a build may use its owner's images and those of other registries, however a host is spelled", () => {
  const foreign: readonly [string, string][] = [
    ["r.example/apps", "r.example/apps/ws_b/proj_2:d_2"],
    ["r.example/apps", "R.Example/apps/ws_b/proj_2:d_2"],
    ["r.example/apps", "r.example:443/apps/ws_b/proj_2:d_2"],
    ["r.example:443", "r.example/ws_b/proj_2:d_2"],
    ["r.example:5000", "r.EXAMPLE:5000/ws_b/proj_2:d_2"],
  ];
  for (const [registry, image] of foreign) {
    assert.equal(allows(registry, image), false, image);
    assert.equal(allows(registry, image.replace("ws_b", "ws_a")), true, image);
  }
  for (const image of ["docker.io/library/alpine:3", "rxexample/apps/ws_b/x:1", "other.r.example/apps/x"]) {
    assert.equal(allows("r.example/apps", image), true, image);
  }
});
