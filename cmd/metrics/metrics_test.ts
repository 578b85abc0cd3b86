import assert from "node:assert/strict";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  GetTrafficRequest,
  GetTrafficResponseSchema,
  TrafficNumbersSchema,
} from "../../proto/gen/ctrl/v1/traffic_pb.ts";
import { access, deploymentOf, NOW, onlyJson, SHOP, startControlPlane, unkey } from "../shared/testing.ts";
import { sparkline } from "./sparkline.ts";

const FROM = NOW - 3_600_000;

function numbers(requests: number, p95Ms: number): MessageInitShape<typeof TrafficNumbersSchema> {
  return {
    requests: BigInt(requests),
    status2xx: BigInt(requests - 2),
    status5xx: 2n,
    failedByEdge: 1n,
    cutOff: 1n,
    cancelled: 0n,
    receivedBytes: 512n,
    sentBytes: 1_234_567n,
    concurrencyMean: 0.25,
    concurrencyMax: 4n,
    p50Ms: 4.5,
    p95Ms,
    p99Ms: 200,
  };
}

const TRAFFIC: MessageInitShape<typeof GetTrafficResponseSchema> = {
  deploymentId: "d_1",
  from: BigInt(FROM),
  until: BigInt(NOW),
  stepSeconds: 10n,
  lastRequestAt: BigInt(NOW - 12_000),
  total: numbers(3_600, 40),
  points: [
    { at: BigInt(FROM), numbers: numbers(100, 10) },
    { at: BigInt(FROM + 1_800_000), numbers: numbers(50, 80) },
    { at: BigInt(NOW - 10_000), numbers: numbers(25, 40) },
  ],
  regions: [{ region: "eu", numbers: numbers(3_000, 40) }, { region: "us", numbers: numbers(600, 41) }],
};

async function print(words: readonly string[], traffic = TRAFFIC, requests: GetTrafficRequest[] = []) {
  await using api = await startControlPlane({
    admin: {
      listProjects: () => ({ projects: [SHOP] }),
      listEnvironments: () => ({
        environments: [{ slug: "production", liveDeploymentId: "d_1" }, {
          slug: "preview",
          liveDeploymentId: "",
        }],
      }),
    },
    deployment: {
      getDeployment: () => ({ deployment: deploymentOf({ id: "d_1" }) }),
      getTraffic(request) {
        requests.push(request);
        return traffic;
      },
    },
  });
  return await unkey(["metrics", ...words], { env: access(api.url) });
}

Deno.test("metrics shows totals, a line of bars for each number, and the regions", async () => {
  const { code, stdout } = await print(["d_1"]);
  assert.equal(code, 0);
  const dots = (count: number): string => "·".repeat(count);
  assert.equal(
    stdout,
    `deployment  d_1 of shop (production)
time        2027-01-15T07:00:00.000Z to 2027-01-15T08:00:00.000Z, in steps of 10 s
requests    3600, the last one 12s ago
responses   3598 2xx, 2 5xx
errors      0.08 %: 2 of 5xx (1 by edges), 1 broken off
bytes       512 B in, 1.2 MB out

WHAT         ALL     MOST     OVER TIME
requests/s   1.00    10.0     █${dots(19)}▄${dots(18)}▂
errors       0.08 %  12.00 %  ▂${dots(19)}▄${dots(18)}█
p50          4.5 ms  4.5 ms   █${dots(19)}█${dots(18)}█
p95          40 ms   80 ms    ▁${dots(19)}█${dots(18)}▄
p99          200 ms  200 ms   █${dots(19)}█${dots(18)}█
concurrency  0.25    0.25     █${dots(19)}█${dots(18)}█

REGION  REQUESTS/S  ERRORS  P50     P95    P99     CONCURRENCY
eu      0.83        0.10 %  4.5 ms  40 ms  200 ms  0.25
us      0.17        0.50 %  4.5 ms  41 ms  200 ms  0.25
`,
  );
});

Deno.test("metrics without a word is about the live deployment, and says so when there were no requests", async () => {
  const requests: GetTrafficRequest[] = [];
  const none = { deploymentId: "d_1", from: BigInt(FROM), until: BigInt(NOW), stepSeconds: 60n };
  const { code, stdout } = await print(["--since", "2h", "--region", "eu"], none, requests);
  assert.equal(code, 0);
  assert.match(stdout, /^deployment {2}d_1 of shop \(production\)\n.*in steps of 1 min\nrequests {4}none\n$/);
  assert.deepEqual(requests.map(({ sinceSeconds, region }) => [sinceSeconds, region]), [[7_200n, "eu"]]);
  const nothing = await print(["--env", "preview"]);
  assert.match(nothing.stderr, /Nothing is live in preview/);
  for (const since of ["10s", "91d"]) {
    const { code, stderr } = await print(["d_1", "--since", since]);
    assert.notEqual(code, 0);
    assert.match(stderr, /between a minute and 90 days/);
  }
});

Deno.test("metrics --all is about the environment, and says how many deployments were counted", async () => {
  const requests: GetTrafficRequest[] = [];
  const traffic = {
    ...TRAFFIC,
    deploymentId: "",
    deploymentIds: ["d_1", "d_2"],
    deploymentsLeftOut: true,
  };
  const { code, stdout } = await print(["--all", "--env", "preview"], traffic, requests);
  assert.equal(code, 0);
  assert.match(stdout, /^environment {2}shop \(preview\), 2 deployments, more are left out\ntime /);
  const asked = requests.map((each) => [each.deploymentId, each.projectId, each.environmentSlug]);
  assert.deepEqual(asked, [["", SHOP.id, "preview"]]);
  const json = onlyJson(await print(["--all", "--json"], { ...traffic, deploymentsLeftOut: false }));
  assert.partialDeepStrictEqual(json, { deployments: ["d_1", "d_2"], deploymentsLeftOut: false });
  assert.ok(typeof json === "object" && json !== null && !("id" in json));
  const both = await print(["d_1", "--all"]);
  assert.match(both.stderr, /--all is about an environment/);
});

Deno.test("metrics --json has rates and shares as numbers", async () => {
  const json = onlyJson(await print(["d_1", "--json"]));
  assert.partialDeepStrictEqual(json, {
    id: "d_1",
    stepSeconds: 10,
    lastRequestAt: NOW - 12_000,
    total: { requestsPerSecond: 1, errorRate: 3 / 3_600, responses: { "2xx": 3_598, "5xx": 2 }, p95Ms: 40 },
    points: [{ at: FROM, requestsPerSecond: 10 }, { p95Ms: 80 }, { requests: 25 }],
    regions: [{ region: "eu" }, { region: "us" }],
  });
});

Deno.test("sparkline() shows the highest value of each part, and a dot where there is none", () => {
  const range = { from: 0, until: 40, width: 4 };
  const samples = [[0, 1], [5, 8], [10, 0], [30, 4], [40, 2]].map(([at = 0, value = 0]) => ({ at, value }));
  assert.equal(sparkline(samples, range), "█▁·▄");
  assert.equal(sparkline([{ at: 0, value: 0 }], range), "▁···");
  assert.equal(sparkline([], range), "····");
});
