import assert from "node:assert/strict";
import type { SetAppSettingsRequest, SetSizeRequest } from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { access, onlyJson, SHOP, startControlPlane, unkey } from "../shared/testing.ts";

const EFFECTIVE = { memoryMib: 512, cpuMillicores: 500, replicas: 2 };
const SCALING = { min: 0, max: 5, cpuPercent: 70, concurrency: 50, downSeconds: 120 };

interface Asked {
  readonly sizes: SetSizeRequest[];
  readonly settings: SetAppSettingsRequest[];
}

function controlPlane(asked: Asked = { sizes: [], settings: [] }) {
  return startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    environment: {
      setSize: (request) => {
        asked.sizes.push(request);
        return { size: EFFECTIVE };
      },
      setAppSettings: (request) => {
        asked.settings.push(request);
        return {};
      },
      getAppSettings: () => {
        const sleepSeconds = asked.settings.reduce(
          (last, { settings, reset }) => reset.includes("sleepAfter") ? 0 : settings?.sleepSeconds || last,
          0,
        );
        const isScaled = asked.settings.some(({ settings }) => settings?.scaling !== undefined);
        return { size: EFFECTIVE, settings: { sleepSeconds, ...(isScaled ? { scaling: SCALING } : {}) } };
      },
    },
  });
}

Deno.test("scale sets what is given, and says what the next deploy gets", async () => {
  const asked: Asked = { sizes: [], settings: [] };
  await using api = await controlPlane(asked);
  const args = ["scale", "production", "--memory", "0.5g", "--cpu", "0.5"];
  const { code, stdout, stderr } = await unkey(args, { env: access(api.url) });
  assert.equal(code, 0, stderr);
  assert.equal(stdout, "shop production: 512 MiB of memory, 0.5 cores for each instance, 2 in each region\n");
  assert.match(stderr, /unkey redeploy --env production/);
  const [request] = asked.sizes;
  assert.deepEqual([request?.environmentSlug, request?.reset], ["production", false]);
  assert.deepEqual([request?.size?.memoryMib, request?.size?.cpuMillicores, request?.size?.replicas], [
    512,
    500,
    0,
  ]);
  assert.deepEqual(asked.settings, []);
});

Deno.test("scale sets bounds and targets of the number of instances, which hold at once", async () => {
  const asked: Asked = { sizes: [], settings: [] };
  await using api = await controlPlane(asked);
  const targets = ["--max", "5", "--target-cpu", "70%", "--target-concurrency", "50", "--down-after", "2m"];
  const { code, stdout, stderr } = await unkey(["scale", "production", ...targets], { env: access(api.url) });
  assert.equal(code, 0, stderr);
  assert.equal(
    stdout,
    "shop production: 512 MiB of memory, 0.5 cores for each instance, 1 to 5 in each region by the load " +
      "(70 % of the CPU, 50 requests at a time)\n",
  );
  assert.equal(stderr, "");
  const [request] = asked.settings;
  const { $typeName: _, ...scaling } = request?.settings?.scaling ?? {};
  assert.deepEqual([request?.reset, scaling], [[], SCALING]);
  assert.deepEqual(asked.sizes, []);
  const json = onlyJson(await unkey(["scale", "production", ...targets, "--json"], { env: access(api.url) }));
  assert.deepEqual(json, {
    project: "shop",
    environment: "production",
    size: EFFECTIVE,
    scaling: { max: 5, cpu: 70, concurrency: 50, downAfter: "2m" },
  });
});

Deno.test("scale --reset forgets, --fixed ends the scaling, and --json prints the effective size", async () => {
  const asked: Asked = { sizes: [], settings: [] };
  await using api = await controlPlane(asked);
  const env = access(api.url);
  const shown = onlyJson(await unkey(["scale", "production", "--reset", "--json"], { env }));
  assert.deepEqual(shown, { project: "shop", environment: "production", size: EFFECTIVE });
  assert.deepEqual([asked.sizes[0]?.reset, asked.sizes[0]?.size], [true, undefined]);
  assert.equal((await unkey(["scale", "production", "--fixed"], { env })).code, 0);
  assert.deepEqual(asked.settings.map(({ reset }) => reset), [["scaling"], ["scaling"]]);
  assert.equal(asked.sizes.length, 1);
});

Deno.test("scale sets the time after which previews sleep, or that they never do, and --reset forgets it", async () => {
  const asked: Asked = { sizes: [], settings: [] };
  await using api = await controlPlane(asked);
  const env = access(api.url);
  const set = await unkey(["scale", "preview", "--sleep-after", "1h30m"], { env });
  assert.match(set.stdout, /, asleep after 1h30m without a request\n$/);
  assert.equal(asked.settings.at(-1)?.settings?.sleepSeconds, 5_400);
  const json = onlyJson(await unkey(["scale", "preview", "--sleep-after", "never", "--json"], { env }));
  assert.partialDeepStrictEqual(json, { sleepAfter: "never" });
  assert.equal(asked.settings.at(-1)?.settings?.sleepSeconds, -1);
  assert.ok(!(await unkey(["scale", "preview", "--reset"], { env })).stdout.includes("asleep"));
  assert.deepEqual(asked.settings.at(-1)?.reset, ["sleepAfter"]);
});

Deno.test("scale refuses what it cannot read, and nothing to do", async (t) => {
  const cases: readonly [string[], RegExp][] = [
    [
      ["scale", "production"],
      /Nothing to set: give --memory, --cpu, --replicas, --max, --sleep-after, --fixed or --reset/,
    ],
    [["scale", "production", "--memory", "much"], /--memory \(UNKEY_MEMORY\) must be MiB such as 512/],
    [["scale", "production", "--cpu", "-1"], /--cpu \(UNKEY_CPU\) must be cores such as 0\.5/],
    [["scale", "production", "--replicas", "0"], /--replicas \(UNKEY_REPLICAS\) must be a whole number/],
    [["scale", "production", "--max", "0"], /--max \(UNKEY_SCALE_MAX\) must be a whole number/],
    [["scale", "production", "--target-cpu", "101"], /--target-cpu .* must be percent such as 70/],
    [
      ["scale", "preview", "--sleep-after", "30s"],
      /--sleep-after .* must be a duration such as 10m, from 1m/,
    ],
    [["scale", "production", "--max", "2", "--fixed"], /leave one of the two out/],
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
