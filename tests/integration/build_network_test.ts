/** Builds that try to reach the platform; see `build_network/scene.ts`. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { canStartBuildkit } from "../../pkg/testkit/buildkit.ts";
import { canRun } from "../../pkg/testkit/commands.ts";
import { hasRegistry } from "../../pkg/testkit/registry.ts";
import { type CheckResult, Line, PUBLIC_WAY, type Result } from "./build_network/results.ts";

const SCENE = new URL("./build_network/scene.ts", import.meta.url).pathname;
const SCENE_MS_MAX = 600_000;
/** All that the scene makes is in these namespaces, and they end with its first process. */
const NAMESPACES = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
const TARGETS = ["loopback", "own address", "metadata", "private host"];
const WAYS = [
  "ADD",
  "ADD of a name",
  "ADD after a redirect",
  "ADD of a repository",
  "ADD of a repository by name",
  "RUN",
  "FROM",
  "FROM of a name",
  "COPY --from",
  "# syntax=",
  "# syntax= of a name",
];

async function canPlay(): Promise<boolean> {
  return hasRegistry() && existsSync("/bin/busybox") && await canStartBuildkit({ isolated: true }) &&
    await canRun([["unshare", ...NAMESPACES, "--", "ip", "link", "set", "lo", "up"], ["git", "--version"]]);
}

/** Runs the scene to its end; throws with its errors when it fails. */
async function play(): Promise<readonly (Result | CheckResult)[]> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-build-network-" });
  try {
    const args = [...NAMESPACES, "--", Deno.execPath(), "run", "-A", SCENE, folder];
    const signal = AbortSignal.timeout(SCENE_MS_MAX);
    const env = { TMPDIR: folder, NO_COLOR: "1" };
    const { success, stdout, stderr } = await new Deno.Command("unshare", { args, env, signal }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const lines = new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
    return lines.map((line) => Line.parse(JSON.parse(line)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "a Dockerfile that tries to reach the platform",
  ignore: !await canPlay(),
  fn: async (t) => {
    const lines = await play();
    const check = lines.find((each) => each.kind === "check");
    const builds = lines.filter((each) => each.kind === "build");
    const find = (builder: Result["builder"], way: string, target: string): Result => {
      const found = builds.find((each) =>
        each.builder === builder && each.way === way && each.target === target
      );
      assert.ok(found !== undefined, `${builder}: ${way} to ${target}`);
      return found;
    };

    for (const way of WAYS) {
      await t.step(`reaches it with ${way} on a builder without rules and isolation`, () => {
        for (const target of TARGETS) {
          const { seen, outcome } = find("open", way, target);
          assert.ok(seen > 0, `${target}: ${outcome}`);
        }
      });
      for (const builder of ["isolated, without rules", "isolated"] as const) {
        await t.step(`does not reach it with ${way} on a builder that is ${builder}`, () => {
          for (const target of TARGETS) {
            const { seen, outcome } = find(builder, way, target);
            assert.equal(seen, 0, target);
            assert.notEqual(outcome, "built", target);
          }
        });
      }
    }

    await t.step("builds all the same with what is public", () => {
      for (const builder of ["open", "isolated, without rules", "isolated"] as const) {
        assert.equal(find(builder, PUBLIC_WAY, "cdn").outcome, "built", builder);
      }
    });

    await t.step("is denied by the rules before the network is asked, where it names an address", () => {
      for (const target of TARGETS) {
        for (const way of ["ADD", "ADD of a repository", "FROM"]) {
          const { outcome } = find("isolated", way, target);
          assert.match(outcome, /which this builder does not allow/, `${way} to ${target}`);
        }
      }
    });

    await t.step("runs on an isolated builder only, or the worker does not start", () => {
      assert.equal(check?.isolated, "isolated");
      for (const address of ["127.0.0.1", "10.77.0.5", "169.254.169.254", "192.168.77.9"]) {
        assert.ok(check?.open.includes(`${address} (this worker)`), check?.open);
      }
      assert.match(check?.open ?? "", /169\.254\.169\.254 \(the metadata service\)/);
    });
  },
});
