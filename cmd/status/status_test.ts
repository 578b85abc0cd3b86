import assert from "node:assert/strict";
import { DeploymentStatus } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { access, deploymentOf, NOW, onlyJson, SHOP, startControlPlane, unkey } from "../shared/testing.ts";

const REGIONS = [
  {
    region: "*",
    desiredVersion: 12n,
    agents: [
      agent("agt_e1", { applied: 12n, observed: 12n }),
      agent("agt_e2", { applied: 9n, observed: 12n }),
      agent("agt_gone", { applied: 2n, observed: 2n, silentMs: 3_600_000 }),
    ],
  },
  {
    region: "eu-west-1.aws",
    desiredVersion: 7n,
    agents: [agent("agt_eu", { applied: 5n, observed: 4n, silentMs: 240_000 })],
    desiredInstances: 3,
    runningInstances: 1,
    desiredSentinels: 3,
    healthySentinels: 1,
    refusedDeployments: 2,
    lastNackResource: "d_9",
    lastNackError: "no such image:\n\x1b[31mghcr.io/acme/shop",
    lastNackAt: BigInt(NOW - 90_000),
    waitingSince: BigInt(NOW - 300_000),
    silentSince: BigInt(NOW - 210_000),
  },
  { region: "local.dev", desiredVersion: 0n, agents: [] },
];

function agent(agentId: string, at: { applied: bigint; observed: bigint; silentMs?: number }) {
  const { applied: appliedVersion, observed: observedVersion, silentMs } = at;
  const lastSeenAt = BigInt(NOW - (silentMs ?? 1_000));
  return { agentId, appliedVersion, observedVersion, lastSeenAt, alive: silentMs === undefined };
}

function controlPlane() {
  return startControlPlane({ admin: { getStatus: () => ({ regions: REGIONS }) } });
}

Deno.test("status shows a region as far as the slowest of its live agents, or the last one that was alive", async () => {
  await using api = await controlPlane();
  const { code, stdout, stderr } = await unkey(["status"], { env: access(api.url) });
  assert.equal(code, 0, stderr);
  assert.equal(
    stdout,
    `REGION         DESIRED  APPLIED  OBSERVED  LAG       AGENTS         RUNNING  LAST NACK
* (edges)      12       9        12        3         2 alive        -        -
eu-west-1.aws  7        5        4         2 for 5m  silent for 4m  1/3      d_9 1m ago
local.dev      0        -        -         -         none           0/0      -

eu-west-1.aws has been down for 3m: none of its agents sends heartbeats, edges prefer instances elsewhere
eu-west-1.aws does not run 2 deployments: "unkey status <deployment>" says why
eu-west-1.aws has 1 of 3 sentinels that take requests
eu-west-1.aws could not apply d_9: no such image: ghcr.io/acme/shop
`,
  );
});

Deno.test("status --json has every agent, and leaves out unknown values", async () => {
  await using api = await controlPlane();
  const shown = onlyJson(await unkey(["status", "--json"], { env: access(api.url) }));
  assert.ok(
    typeof shown === "object" && shown !== null && "regions" in shown && Array.isArray(shown.regions),
  );
  const [edges, europe, local] = shown.regions;
  assert.deepEqual([edges.applied, edges.observed, edges.lag, edges.agents.length], [9, 12, 3, 3]);
  assert.deepEqual(europe, {
    region: "eu-west-1.aws",
    desired: 7,
    applied: 5,
    lag: 2,
    observed: 4,
    waitingSince: NOW - 300_000,
    silentSince: NOW - 210_000,
    agents: [{ id: "agt_eu", alive: false, applied: 5, observed: 4, lastSeenAt: NOW - 240_000 }],
    instances: { desired: 3, running: 1 },
    refused: 2,
    sentinels: { desired: 3, healthy: 1 },
    lastNack: { resource: "d_9", error: "no such image:\n\x1b[31mghcr.io/acme/shop", at: NOW - 90_000 },
  });
  const instances = { desired: 0, running: 0 };
  assert.deepEqual(local, { region: "local.dev", desired: 0, agents: [], instances });
});

const FAILED = deploymentOf({
  id: "d_7",
  status: DeploymentStatus.FAILED,
  failureCode: "build_failed",
  errorMessage: 'RUN make: exit code 2.\nIt said "no rule".',
  gitCommitSha: "0123456789abcdef",
  gitCommitMessage: "add\nmake",
  desiredInstances: 2,
  runningInstances: 1,
  urls: ["http://a.localhost:7070", "http://b.localhost:7070"],
  steps: [
    { name: "queued", status: "done", createdAt: BigInt(NOW - 9_000), endedAt: BigInt(NOW - 8_900) },
    {
      name: "building",
      status: "failed",
      message: "Dockerfile",
      errorMessage: "exit code 2",
      createdAt: BigInt(NOW - 8_900),
      endedAt: BigInt(NOW - 400),
    },
    { name: "deploying", status: "running", createdAt: BigInt(NOW - 400) },
  ],
});

function withDeployments() {
  return startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    deployment: {
      getDeployment: ({ deploymentId }) => {
        if (deploymentId === FAILED.id) return { deployment: FAILED };
        throw publicFault(
          "not_found",
          `Deployment "${deploymentId}" was not found: "unkey list" shows yours.`,
        );
      },
      listDeployments: ({ projectId, environmentSlug, pageSize }) => {
        assert.equal(projectId, SHOP.id);
        const newest = environmentSlug === "preview" ? [] : [FAILED, deploymentOf({})];
        return { deployments: newest.slice(0, pageSize) };
      },
    },
  });
}

Deno.test("status of a deployment shows its steps, its URLs and why it failed", async () => {
  await using api = await withDeployments();
  const { code, stdout, stderr } = await unkey(["status", "d_7"], { env: access(api.url) });
  assert.equal(code, 0, stderr);
  assert.equal(
    stdout,
    `deployment   d_7
status       failed
project      shop
environment  production
branch       main
commit       0123456789ab add make
instances    1 of 2 running
created      3m ago
urls         http://a.localhost:7070
             http://b.localhost:7070

STEP       STATUS   TOOK  MESSAGE
queued     done     0.1s  -
building   failed   8.5s  Dockerfile
deploying  running  0.4s  -

error (build_failed): RUN make: exit code 2.
It said "no rule".
`,
  );
});

Deno.test("status shows the last output of a failed app, and --json its exit code too", async () => {
  const crashed = deploymentOf({
    id: "d_8",
    status: DeploymentStatus.FAILED,
    failureCode: "crash_loop",
    errorMessage: "The app ended with exit code 3.",
    failureDetails: {
      exitCode: 3,
      source: "instance",
      origin: "a-1",
      logLines: ["reading", "\x1b[31mno config"],
    },
    urls: [],
  });
  await using api = await startControlPlane({
    deployment: { getDeployment: () => ({ deployment: crashed }) },
  });
  const { stdout } = await unkey(["status", "d_8"], { env: access(api.url) });
  assert.match(stdout, /exit code 3\.\n\nlast output of a-1:\n {2}\| reading\n {2}\| no config\n$/);
  const shown = onlyJson(await unkey(["status", "d_8", "--json"], { env: access(api.url) }));
  assert.ok(typeof shown === "object" && shown !== null && "error" in shown);
  assert.deepEqual(shown.error, {
    code: "crash_loop",
    message: "The app ended with exit code 3.",
    exitCode: 3,
    output: { source: "instance", origin: "a-1", lines: ["reading", "\x1b[31mno config"] },
  });
});

Deno.test("status tells of instances that have or had trouble, with their last lines", async (t) => {
  const message =
    "The app runs, but its health check GET / on port 80 does not answer 2xx or 3xx (it answered 500).";
  const lastEnd = {
    reason: "oom_killed",
    message: "The app was killed because it used more than its 256 MiB of memory.",
    exitCode: 137,
    at: BigInt(NOW - 120_000),
  };
  await using api = await startControlPlane({
    deployment: {
      getDeployment: () => ({ deployment: deploymentOf({ id: "d_9" }) }),
      listInstances: () => ({
        instances: [
          { name: "a-0", region: "eu", status: "running", restarts: 0 },
          { name: "a-1", region: "eu", status: "running", restarts: 2, memoryMib: 256n, lastEnd },
          {
            name: "a-2",
            region: "us",
            status: "running",
            reason: "unhealthy",
            message,
            lastLogLines: ["no\x1b[2J db"],
          },
        ],
      }),
    },
  });
  await t.step("as a table", async () => {
    const { stdout } = await unkey(["status", "d_9"], { env: access(api.url) });
    assert.ok(
      stdout.endsWith(`
INSTANCE  REGION  STATUS               RESTARTS  TROUBLE
a-1       eu      running              2         2m ago: ${lastEnd.message}
a-2       us      running (unhealthy)  0         ${message}

Give it more memory: unkey scale production --memory 512, then unkey redeploy --env production

last output of a-2:
  | no db
`),
      stdout,
    );
  });
  await t.step("as JSON, with all instances", async () => {
    const shown = onlyJson(await unkey(["status", "d_9", "--json"], { env: access(api.url) }));
    assert.ok(typeof shown === "object" && shown !== null && "instances" in shown);
    assert.deepEqual(shown.instances, {
      desired: 0,
      running: 0,
      list: [
        { name: "a-0", region: "eu", status: "running", restarts: 0 },
        {
          name: "a-1",
          region: "eu",
          status: "running",
          restarts: 2,
          lastEnd: { ...lastEnd, at: NOW - 120_000 },
        },
        {
          name: "a-2",
          region: "us",
          status: "running",
          reason: "unhealthy",
          message,
          restarts: 0,
          output: ["no\x1b[2J db"],
        },
      ],
    });
  });
});

Deno.test("status of a project is that of its newest deployment, as JSON with steps", async () => {
  await using api = await withDeployments();
  const env = access(api.url);
  const shown = onlyJson(await unkey(["status", "shop", "--json"], { env }));
  assert.ok(typeof shown === "object" && shown !== null && "steps" in shown && "id" in shown);
  assert.equal(shown.id, "d_7");
  assert.deepEqual(shown.steps, [
    { name: "queued", status: "done", message: "", startedAt: NOW - 9_000, endedAt: NOW - 8_900 },
    {
      name: "building",
      status: "failed",
      message: "Dockerfile",
      startedAt: NOW - 8_900,
      endedAt: NOW - 400,
      error: "exit code 2",
    },
    { name: "deploying", status: "running", message: "", startedAt: NOW - 400 },
  ]);
  const none = await unkey(["status", "shop", "--env", "preview"], { env });
  assert.equal(none.code, 1);
  assert.match(none.stderr, /"shop" has no deployment yet in the environment "preview"/);
  const missing = await unkey(["status", "d_missing", "--json"], { env });
  assert.equal(missing.code, 1);
  assert.match(JSON.stringify(onlyJson(missing)), /"code":"not_found","message":"Deployment \\"d_missing\\"/);
});

Deno.test("status of a queued deployment names the builds ahead of it", async () => {
  const queueBlocker = "1 build ahead, running now: d_9 of shop (production)";
  const queued = {
    status: DeploymentStatus.QUEUED,
    queuePosition: 2,
    queueBlockerIds: ["d_9"],
    queueBlocker,
  };
  await using api = await startControlPlane({
    deployment: { getDeployment: () => ({ deployment: deploymentOf({ ...queued, queuedAt: 1n }) }) },
  });
  const { stdout } = await unkey(["status", "d_1"], { env: access(api.url) });
  assert.ok(
    stdout.includes(
      "status       queued #2\nqueue        1 build ahead, running now: d_9 of shop (production)\n",
    ),
    stdout,
  );
});

Deno.test("status shows which deployment is live when the given one is not", async (t) => {
  const cases = [
    { live: false, environmentLiveDeploymentId: "d_0", text: /\nlive now +d_0\n/, json: "d_0" },
    { live: false, environmentLiveDeploymentId: "", text: /^(?!.*live now)/s, json: undefined },
    { live: true, environmentLiveDeploymentId: "d_1", text: /^(?!.*live now)/s, json: undefined },
  ];
  for (const { text, json, ...deployment } of cases) {
    await t.step(JSON.stringify(deployment), async () => {
      await using api = await startControlPlane({
        deployment: { getDeployment: () => ({ deployment: deploymentOf(deployment) }) },
      });
      const env = access(api.url);
      assert.match((await unkey(["status", "d_1"], { env })).stdout, text);
      const shown = onlyJson(await unkey(["status", "d_1", "--json"], { env }));
      assert.equal((shown as { liveDeploymentId?: string }).liveDeploymentId, json);
    });
  }
});

Deno.test("status says that an environment is rolled back, and how that ends", async () => {
  await using api = await startControlPlane({
    deployment: { getDeployment: () => ({ deployment: deploymentOf({ environmentRolledBack: true }) }) },
  });
  const env = access(api.url);
  const { stdout } = await unkey(["status", "d_1"], { env });
  assert.match(stdout, /environment +production \(rolled back: new deployments wait for "unkey promote"\)\n/);
  const json = onlyJson(await unkey(["status", "d_1", "--json"], { env }));
  assert.match(JSON.stringify(json), /"environment":"production","rolledBack":true/);
});

Deno.test("status of a deployment names the one whose image it uses", async () => {
  const deployment = deploymentOf({ rootfsImageId: "unkey.local/p:d_0", imageSourceDeploymentId: "d_0" });
  await using api = await startControlPlane({ deployment: { getDeployment: () => ({ deployment }) } });
  const shown = await unkey(["status", "d_1"], { env: access(api.url) });
  assert.match(shown.stdout, /^image of +d_0 \(same content, not built again\)$/m);
  const json = onlyJson(await unkey(["status", "d_1", "--json"], { env: access(api.url) }));
  assert.ok(typeof json === "object" && json !== null && "imageSourceDeploymentId" in json);
  assert.equal(json.imageSourceDeploymentId, "d_0");
});
