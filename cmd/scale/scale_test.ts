import assert from "node:assert/strict";
import type { SetSizeRequest } from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { access, onlyJson, SHOP, startControlPlane, unkey } from "../shared/testing.ts";

const EFFECTIVE = { memoryMib: 512, cpuMillicores: 500, replicas: 2 };

function controlPlane(asked: SetSizeRequest[] = []) {
  return startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    environment: {
      setSize: (request) => {
        asked.push(request);
        return { size: EFFECTIVE };
      },
    },
  });
}

Deno.test("scale sets what is given, and says what the next deploy gets", async () => {
  const asked: SetSizeRequest[] = [];
  await using api = await controlPlane(asked);
  const args = ["scale", "production", "--memory", "0.5g", "--cpu", "0.5"];
  const { code, stdout, stderr } = await unkey(args, { env: access(api.url) });
  assert.equal(code, 0, stderr);
  assert.equal(stdout, "shop production: 512 MiB of memory, 0.5 cores for each instance, 2 in each region\n");
  assert.match(stderr, /unkey redeploy --env production/);
  const [request] = asked;
  assert.deepEqual([request?.environmentSlug, request?.reset], ["production", false]);
  assert.deepEqual([request?.size?.memoryMib, request?.size?.cpuMillicores, request?.size?.replicas], [
    512,
    500,
    0,
  ]);
});

Deno.test("scale --reset forgets, and --json prints the effective size", async () => {
  const asked: SetSizeRequest[] = [];
  await using api = await controlPlane(asked);
  const shown = onlyJson(await unkey(["scale", "production", "--reset", "--json"], { env: access(api.url) }));
  assert.deepEqual(shown, { project: "shop", environment: "production", size: EFFECTIVE });
  assert.deepEqual([asked[0]?.reset, asked[0]?.size], [true, undefined]);
});

Deno.test("scale refuses what it cannot read, and nothing to do", async (t) => {
  const cases: readonly [string[], RegExp][] = [
    [["scale", "production"], /Nothing to set: give --memory, --cpu or --replicas, or --reset/],
    [["scale", "production", "--memory", "much"], /--memory \(UNKEY_MEMORY\) must be MiB such as 512/],
    [["scale", "production", "--cpu", "-1"], /--cpu \(UNKEY_CPU\) must be cores such as 0\.5/],
    [["scale", "production", "--replicas", "0"], /--replicas \(UNKEY_REPLICAS\) must be a whole number/],
    [["scale"], /environment/],
  ];
  for (const [args, message] of cases) {
    await t.step(args.join(" "), async () => {
      const { code, stderr } = await unkey(args);
      assert.equal(code, 2);
      assert.match(stderr, message);
    });
  }
});
