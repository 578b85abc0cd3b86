import assert from "node:assert/strict";
import {
  DeploymentStatus,
  HealthCheckSettings_Kind as HealthCheckKind,
} from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { clockTime } from "../shared/clock_time.ts";
import { access, deploymentOf, NOW, startControlPlane, unkey } from "../shared/testing.ts";

Deno.test("status shows the settings that a deployment was given, and its port", async () => {
  const deployment = deploymentOf({
    id: "d_1",
    topology: { cpuMillicores: 250, memoryMib: 256, port: 3000 },
    app: {
      port: 3000,
      command: ["node", "server.js"],
      stopSeconds: 30,
      healthCheck: { path: "/up", expectedStatus: "200,401" },
    },
  });
  await using server = await startControlPlane({
    deployment: { getDeployment: () => ({ deployment }), listInstances: () => ({ instances: [] }) },
  });
  const env = access(server.url);
  const lines = (await unkey(["status", "d_1"], { env })).stdout.split("\n").map((line) => line.trim());
  const at = lines.findIndex((line) => /^port +3000$/.test(line));
  assert.match(lines[at + 1] ?? "", /^settings +stopTimeout 30s$/);
  assert.deepEqual(lines.slice(at + 2, at + 5), [
    "command node server.js",
    "healthCheck.path /up",
    "healthCheck.expect 200,401",
  ]);
  const json = JSON.parse((await unkey(["status", "d_1", "--json"], { env })).stdout);
  assert.deepEqual([json.port, json.app], [3000, {
    port: 3000,
    command: ["node", "server.js"],
    healthCheck: { path: "/up", expect: "200,401" },
    stopTimeout: "30s",
  }]);
});

Deno.test("status of an app without a health check shows no port", async () => {
  const deployment = deploymentOf({
    topology: { port: 8080 },
    app: { healthCheck: { kind: HealthCheckKind.NONE } },
  });
  await using server = await startControlPlane({
    deployment: { getDeployment: () => ({ deployment }), listInstances: () => ({ instances: [] }) },
  });
  const { stdout } = await unkey(["status", "d_1"], { env: access(server.url) });
  assert.match(stdout, /^settings +healthCheck\.type none$/m);
  assert.doesNotMatch(stdout, /8080$/m);
});

Deno.test("status and list show that a deployment sleeps, since when, and that a request wakes it", async () => {
  const asleep = deploymentOf({ id: "d_1", asleepSince: BigInt(NOW - 3_600_000), desiredInstances: 0 });
  const waking = deploymentOf({ id: "d_2", asleepSince: BigInt(NOW - 3_600_000), waking: true });
  await using server = await startControlPlane({
    deployment: {
      getDeployment: ({ deploymentId }) => ({ deployment: deploymentId === "d_1" ? asleep : waking }),
      listInstances: () => ({ instances: [] }),
    },
  });
  const env = access(server.url);
  const { stdout } = await unkey(["status", "d_1"], { env });
  assert.match(stdout, /^status +ready \(asleep\)/m);
  assert.match(stdout, /^asleep +for \S+, as it got no request: the next one wakes it$/m);
  const later = (await unkey(["status", "d_2"], { env })).stdout;
  assert.match(later, /^status +ready \(waking\)/m);
  assert.match(later, /^asleep +no longer: a request woke it/m);
  const json = JSON.parse((await unkey(["status", "d_2", "--json"], { env })).stdout);
  assert.deepEqual(json.asleep, { since: NOW - 3_600_000, waking: true });
});

Deno.test("status says until when a deployment that lost its traffic runs", async () => {
  const stopsAt = NOW + 1_800_000;
  const deployment = deploymentOf({ id: "d_old", live: false, stopsAt: BigInt(stopsAt) });
  await using server = await startControlPlane({
    deployment: { getDeployment: () => ({ deployment }), listInstances: () => ({ instances: [] }) },
  });
  const env = access(server.url);
  const { stdout } = await unkey(["status", "d_old"], { env });
  const [, time] =
    /^runs until +(.+): its traffic went, and requests under way have until then$/m.exec(stdout) ?? [];
  assert.equal(time, clockTime(stopsAt, NOW), stdout);
  assert.match(time ?? "", /\d\d:\d\d:\d\d$/);
  assert.equal(JSON.parse((await unkey(["status", "d_old", "--json"], { env })).stdout).stopsAt, stopsAt);
});

Deno.test("status and list say why and when a preview ended, and what starts it again", async () => {
  const deployment = deploymentOf({
    id: "d_old",
    status: DeploymentStatus.STOPPED,
    environmentSlug: "preview",
    live: false,
    stop: { reason: "no_requests", message: "It got no request for 7 days.", at: BigInt(NOW - 7_200_000) },
  });
  await using server = await startControlPlane({
    deployment: {
      getDeployment: () => ({ deployment }),
      listInstances: () => ({ instances: [] }),
      listDeployments: () => ({ deployments: [deployment] }),
    },
  });
  const env = access(server.url);
  const { stdout } = await unkey(["status", "d_old"], { env });
  assert.match(
    stdout,
    /^stopped +2h ago: It got no request for 7 days\. "unkey start d_old" starts it again\.$/m,
  );
  assert.match((await unkey(["list"], { env })).stdout, /^d_old .* stopped \(no requests\) /m);
  const stop = { reason: "no_requests", message: "It got no request for 7 days.", at: NOW - 7_200_000 };
  const json = (await unkey(["status", "d_old", "--json"], { env })).stdout;
  assert.deepEqual(JSON.parse(json).stop, stop);
});

Deno.test("status shows the number of instances by the load, and why it changed last", async () => {
  const deployment = deploymentOf({
    id: "d_1",
    scaledRegions: [
      {
        region: "eu",
        min: 1,
        max: 5,
        desired: 3,
        running: 2,
        changedAt: BigInt(NOW - 240_000),
        changedFrom: 2,
        reason: "142 requests at a time, with a target of 50 per instance.",
      },
      { region: "us", min: 1, max: 5, desired: 1, running: 1 },
    ],
  });
  await using server = await startControlPlane({
    deployment: { getDeployment: () => ({ deployment }), listInstances: () => ({ instances: [] }) },
  });
  const env = access(server.url);
  const { stdout } = await unkey(["status", "d_1"], { env });
  assert.match(
    stdout,
    /^scaled in +eu: 2 of 3 running, 1 to 5 by the load; from 2 to 3 4m ago: 142 requests at a time, with a target/m,
  );
  assert.match(stdout, /^ +us: 1 of 1 running, 1 to 5 by the load$/m);
  const json = JSON.parse((await unkey(["status", "d_1", "--json"], { env })).stdout);
  assert.deepEqual(
    json.scaledRegions.map(({ region, lastChange }: Record<string, unknown>) => [region, lastChange]),
    [
      ["eu", {
        at: NOW - 240_000,
        from: 2,
        reason: "142 requests at a time, with a target of 50 per instance.",
      }],
      ["us", undefined],
    ],
  );
});
