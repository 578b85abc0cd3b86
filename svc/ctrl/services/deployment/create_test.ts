import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import {
  DeploymentService,
  DeploymentStatus,
  HealthCheckSettings_Kind as HealthCheckKind,
} from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { findDeployment, startStep } from "../../internal/store/mod.ts";
import { deployImage, place, refused, startApi } from "../testing.ts";

Deno.test("createDeployment() refuses requests that cannot be deployed, each with its code and text", async (t) => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const client = api.client(DeploymentService, own.rootKey);
  const image = { case: "dockerImage", value: "nginx:1.29" } as const;
  const good = { projectId: own.projectId, environmentSlug: "preview", source: image };
  const context = (buildContextPath: string) =>
    ({ case: "buildContext", value: { buildContextPath, dockerfilePath: "Dockerfile" } }) as const;
  const cases: [string, Parameters<typeof client.createDeployment>[0], Code, RegExp][] = [
    ["no project", { ...good, projectId: "" }, Code.InvalidArgument, /^project_id is required/],
    ["a malformed project", { ...good, projectId: "x" }, Code.InvalidArgument, /^project_id must look like/],
    ["an unknown project", { ...good, projectId: "proj_missing" }, Code.NotFound, /^Project "proj_missing"/],
    [
      "another workspace's project",
      { ...good, projectId: other.projectId },
      Code.NotFound,
      /^Project .* not found/,
    ],
    [
      "an unknown environment",
      { ...good, environmentSlug: "qa" },
      Code.NotFound,
      /It has: preview, production/,
    ],
    ["no source", { ...good, source: { case: undefined } }, Code.InvalidArgument, /^source is required/],
    [
      "an empty image",
      { ...good, source: { ...image, value: "" } },
      Code.InvalidArgument,
      /^docker_image is required/,
    ],
    [
      "a bad image",
      { ...good, source: { ...image, value: "a b" } },
      Code.InvalidArgument,
      /^docker_image must be/,
    ],
    ["a bad port", { ...good, port: 70_000 }, Code.InvalidArgument, /^port must be/],
    [
      "a bad health check",
      { ...good, healthCheckPath: "x" },
      Code.InvalidArgument,
      /^health_check_path must begin/,
    ],
    [
      "an unknown protocol",
      { ...good, protocol: "h3" },
      Code.InvalidArgument,
      /^protocol must be "http1" or "h2c"/,
    ],
    [
      "a health check in HTTP/1.1 of an app that does not speak it",
      { ...good, protocol: "h2c", healthCheckPath: "/health" },
      Code.InvalidArgument,
      /^health_check_path must be empty for an app of protocol h2c/,
    ],
    [
      "an unknown context",
      { ...good, source: context("proj_x/build_x.tar.gz") },
      Code.FailedPrecondition,
      /no build context/,
    ],
    ["no context", { ...good, source: context("") }, Code.InvalidArgument, /^build_context_path is required/],
  ];
  for (const [name, request, code, text] of cases) {
    await t.step(name, () => refused(client.createDeployment(request), code, text));
  }
  assert.deepEqual(api.workflows.calls, [], "a refused request starts no workflow");
});

Deno.test("createDeployment() takes every commit date, and shows those that a clock can have", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const client = api.client(DeploymentService, tenant.rootKey);
  const cases: readonly (readonly [name: string, timestamp: bigint, shown: bigint])[] = [
    ["the first second of 1970", 1_000n, 1_000n],
    ["1999", 946_000_000_000n, 946_000_000_000n],
    ["2030", 1_893_456_000_000n, 1_893_456_000_000n],
    ["before 1970", -5n, 0n],
    ["beyond what a date can hold", 9_000_000_000_000_000_000n, 0n],
  ];
  for (const [name, timestamp, shown] of cases) {
    await t.step(name, async () => {
      const { deploymentId } = await client.createDeployment({
        projectId: tenant.projectId,
        environmentSlug: "preview",
        source: { case: "dockerImage", value: "nginx:1.29" },
        gitCommit: { timestamp },
      });
      const { deployment } = await client.getDeployment({ deploymentId });
      assert.equal(deployment?.gitCommitTimestamp, shown);
      assert.equal(deployment?.gitBranch, "", "a branch that is not given is not known");
    });
  }
});

Deno.test("createDeployment() records everything, and getDeployment() shows it", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const client = api.client(DeploymentService, tenant.rootKey);
  const { deploymentId, status } = await client.createDeployment({
    projectId: tenant.projectId,
    environmentSlug: "production",
    branch: "feature/x",
    source: { case: "dockerImage", value: "nginx:1.29" },
    gitCommit: {
      commitSha: "0a1b2c3",
      commitMessage: "hello",
      authorHandle: " ada ",
      authorAvatarUrl: "https://example.com/a.png",
      timestamp: 1_000_000_000_000n,
    },
    command: ["sh", "-c", "exit 0"],
    port: 3000,
    healthCheckPath: "/health",
  });
  assert.equal(status, DeploymentStatus.PENDING);
  assert.deepEqual(api.workflows.calls, [`submit ${deploymentId}`]);
  await transact(api.db, async (tx) => {
    await startStep(tx, { deploymentId, name: "deploying", message: "Starting", nowMs: 5 });
  });
  await place(api, tenant, deploymentId);
  const { deployment } = await client.getDeployment({ deploymentId });
  assert.ok(deployment !== undefined);
  const { createdAt, updatedAt, environmentId, $typeName: _, ...shown } = deployment;
  assert.ok(createdAt > 0n && updatedAt > 0n && environmentId.startsWith("env_"));
  assert.deepEqual(
    JSON.parse(JSON.stringify(shown, (_key, value) => typeof value === "bigint" ? Number(value) : value)),
    {
      id: deploymentId,
      workspaceId: tenant.workspaceId,
      projectId: tenant.projectId,
      projectSlug: "shop",
      environmentSlug: "production",
      gitCommitSha: "0a1b2c3",
      gitBranch: "feature/x",
      gitCommitMessage: "hello",
      gitCommitAuthorHandle: "ada",
      gitCommitAuthorAvatarUrl: "https://example.com/a.png",
      gitCommitTimestamp: 1_000_000_000_000,
      status: DeploymentStatus.PENDING,
      errorMessage: "",
      failureCode: "",
      environmentVariables: {},
      topology: {
        $typeName: "ctrl.v1.Topology",
        cpuMillicores: 256,
        memoryMib: 256,
        regions: [{
          $typeName: "ctrl.v1.RegionalConfig",
          region: "local.dev",
          minInstances: 1,
          maxInstances: 1,
        }],
        idleTimeoutSeconds: 0,
        healthCheckPath: "/health",
        port: 3000,
      },
      app: {
        $typeName: "ctrl.v1.AppSettings",
        port: 3000,
        openapiPath: "",
        releaseCommand: [],
        releaseSeconds: 0,
        crons: [],
        command: ["sh", "-c", "exit 0"],
        healthCheck: {
          $typeName: "ctrl.v1.HealthCheckSettings",
          kind: HealthCheckKind.HTTP,
          path: "/health",
          method: "",
          host: "",
          headers: {},
          expectedStatus: "",
          intervalSeconds: 0,
          timeoutSeconds: 0,
          unhealthySeconds: 0,
          restartSeconds: 0,
        },
        startSeconds: 0,
        stopSignal: "",
        stopSeconds: 0,
        sleepSeconds: 0,
        ephemeralStorageMib: 0,
        regions: [],
      },
      stopsAt: 0,
      protected: false,
      scaledRegions: [],
      hostnames: [],
      urls: [],
      rootfsImageId: "nginx:1.29",
      buildId: "",
      redeployOf: "",
      queuePosition: 0,
      queueBlocker: "",
      queueBlockerIds: [],
      queuedAt: 0,
      steps: [{
        $typeName: "ctrl.v1.DeploymentStep",
        name: "deploying",
        status: "running",
        message: "Starting",
        errorMessage: "",
        createdAt: 5,
        endedAt: 0,
      }],
      live: false,
      asleepSince: 0,
      waking: false,
      desiredInstances: 1,
      runningInstances: 0,
      imageRemoved: false,
      imageSourceDeploymentId: "",
      environmentRolledBack: false,
      environmentLiveDeploymentId: "",
    },
  );
});

/** The row is the truth: an id that was returned must not vanish. */
Deno.test("a deployment is created although its workflow cannot be reached, and submitted before it is cancelled", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  api.workflows.fail = true;
  const id = await deployImage(api, tenant);
  assert.equal((await findDeployment(api.db.kysely, id))?.submitted_at, null);
  api.workflows.fail = false;
  const client = api.client(DeploymentService, tenant.rootKey);
  await client.cancelDeployment({ deploymentId: id });
  assert.deepEqual(api.workflows.calls, [`submit ${id}`, `cancel ${id}`]);
});
