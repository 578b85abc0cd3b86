import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { ApplyDeploymentSchema, HealthCheck_Kind } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { containerBody } from "../../../../pkg/docker/mod.ts";
import {
  containerSpec,
  LABEL,
  recoverDesired,
  specHash,
  type SpecOptions,
} from "../runtime/docker/container_manifest.ts";
import { CAPABILITIES_DEFAULT } from "./capabilities.ts";
import { decodeApply, type DesiredDeployment } from "./desired.ts";
import { expects, plainCheck } from "./health_check.ts";
import { platformVariables } from "./platform_variables.ts";

const FULL = {
  k8sNamespace: "ns",
  k8sName: "abc",
  workspaceId: "ws_1",
  projectId: "proj_1",
  environmentId: "env_1",
  deploymentId: "d_1",
  image: "image:1",
  replicas: 2,
  cpuMillicores: 300n,
  memoryMib: 128n,
  buildId: "b_1",
  encryptedEnvironmentVariables: new Uint8Array([1]),
  command: ["run", "me"],
  port: 4000,
  healthCheckPath: "/health",
  healthCheckHost: "shop-acme.localhost",
  environmentVariables: { B: "2", A: "1" },
  pidsMax: 77,
  ephemeralStorageMib: 99n,
  gitCommitSha: "0f3c1d",
  gitBranch: "feature/x",
  gitCommitAuthorHandle: "ada",
  healthCheck: {
    kind: HealthCheck_Kind.HTTP,
    path: "/ready",
    method: "HEAD",
    host: "shop.example.com",
    headers: { "x-probe": "1" },
    expectedStatus: "200,401",
    intervalMs: 2_000,
    timeoutMs: 500,
    unhealthyMs: 8_000,
    restartMs: 90_000,
  },
  stopSignal: "SIGQUIT",
  stopSeconds: 25,
  init: true,
  initAsked: true,
  reportsUsage: true,
  tasks: [{ name: "release", command: ["migrate"], timeoutSeconds: 60, isStarted: true }],
};

const OPTIONS: SpecOptions = {
  region: "r",
  controlPlaneId: "cp",
  publishAddress: "127.0.0.1",
  network: "apart",
  cpuMillicoresDefault: 500,
  memoryMibDefault: 512,
  pidsDefault: 100,
  capabilities: CAPABILITIES_DEFAULT,
  cpuMillicoresMax: 2_000,
};

/** A field lost on the way runs the app without its command or its limits, without any error. */
Deno.test("every field of ApplyDeployment reaches the desired state", () => {
  const fields = ApplyDeploymentSchema.fields.map((each) => each.localName);
  assert.deepEqual(fields.toSorted(), Object.keys(FULL).toSorted(), "the test knows every field");
  assert.deepEqual(decodeApply(create(ApplyDeploymentSchema, FULL)), {
    name: "abc",
    namespace: "ns",
    workspaceId: "ws_1",
    projectId: "proj_1",
    environmentId: "env_1",
    deploymentId: "d_1",
    image: "image:1",
    replicas: 2,
    cpuMillicores: 300,
    memoryMib: 128,
    pidsMax: 77,
    ephemeralStorageMib: 99,
    command: ["run", "me"],
    port: 4000,
    healthCheck: {
      kind: "http",
      path: "/ready",
      method: "HEAD",
      host: "shop.example.com",
      headers: { "x-probe": "1" },
      expectedStatus: "200,401",
      command: [],
      intervalMs: 2_000,
      timeoutMs: 500,
      unhealthyMs: 8_000,
      restartMs: 90_000,
    },
    stopSignal: "SIGQUIT",
    stopSeconds: 25,
    init: true,
    initAsked: true,
    reportsUsage: true,
    tasks: [{ name: "release", command: ["migrate"], timeoutSeconds: 60, isStarted: true }],
    env: { B: "2", A: "1" },
    buildId: "b_1",
    commit: { sha: "0f3c1d", branch: "feature/x", authorHandle: "ada" },
    blobSha256: "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a",
  });
});

Deno.test("decodeApply() takes the path and host of a control plane without the message of a check", () => {
  const { healthCheck: _check, ...older } = FULL;
  const { healthCheck } = decodeApply(create(ApplyDeploymentSchema, older));
  assert.deepEqual(healthCheck, plainCheck("/health", "shop-acme.localhost"));
});

Deno.test("expects() knows single status codes and ranges", () => {
  const cases: readonly [string, number, boolean][] = [
    ["200-399", 200, true],
    ["200-399", 399, true],
    ["200-399", 400, false],
    ["200,401", 401, true],
    ["200,401", 300, false],
    ["500", 500, true],
  ];
  for (const [expectedStatus, status, expected] of cases) {
    assert.equal(expects({ expectedStatus }, status), expected, `${status} of ${expectedStatus}`);
  }
});

Deno.test("decodeApply() names everything that is wrong and no value of a variable", () => {
  const bad = {
    ...FULL,
    k8sName: "No Label",
    image: "",
    replicas: -1,
    port: 70_000,
    stopSignal: "TERM",
    healthCheck: { ...FULL.healthCheck, path: "x", expectedStatus: "ok" },
  };
  const apply = create(ApplyDeploymentSchema, {
    ...bad,
    environmentVariables: { "A B": "hunter2", C: "hunter2\0" },
  });
  assert.throws(() => decodeApply(apply), (error) => {
    assert.ok(isFault(error, "invalid_argument"));
    for (
      const part of [
        "no DNS label",
        "image is empty",
        "replicas",
        "port 70000",
        "slash",
        "status",
        "stop_signal",
        "A B",
        "NUL",
      ]
    ) {
      assert.ok(error.message.includes(part), part);
    }
    assert.ok(!error.message.includes("hunter2"));
    return true;
  });
});

function port(hostPort: number) {
  return { kind: "port", hostPort } as const;
}

Deno.test("containerSpec() and the engine's form of it, as a whole", () => {
  const spec = containerSpec(decodeApply(create(ApplyDeploymentSchema, FULL)), 1, port(20_123), OPTIONS);
  const { Labels, ...body } = containerBody(spec);
  assert.equal(spec.name, "unkey-abc-1");
  assert.deepEqual(body, {
    Image: "docker.io/library/image:1",
    Entrypoint: ["run", "me"],
    Cmd: [],
    Env: [
      "B=2",
      "A=1",
      "PORT=4000",
      "UNKEY_WORKSPACE_ID=ws_1",
      "UNKEY_PROJECT_ID=proj_1",
      "UNKEY_ENVIRONMENT_ID=env_1",
      "UNKEY_DEPLOYMENT_ID=d_1",
      "UNKEY_GIT_COMMIT_SHA=0f3c1d",
      "UNKEY_GIT_BRANCH=feature/x",
      "UNKEY_GIT_COMMIT_AUTHOR_HANDLE=ada",
      "UNKEY_REGION=r",
      "UNKEY_INSTANCE_ID=unkey-abc-1",
    ],
    ExposedPorts: { "4000/tcp": {} },
    StopSignal: "SIGQUIT",
    Healthcheck: { Test: ["NONE"] },
    HostConfig: {
      NanoCpus: 300_000_000,
      Memory: 134_217_728,
      MemorySwap: 134_217_728,
      PidsLimit: 77,
      PortBindings: { "4000/tcp": [{ HostIp: "127.0.0.1", HostPort: "20123" }] },
      NetworkMode: "apart",
      RestartPolicy: { Name: "always" },
      SecurityOpt: ["no-new-privileges"],
      CapAdd: [],
      CapDrop: ["NET_RAW", "MKNOD", "AUDIT_WRITE", "SETFCAP", "SETPCAP", "SYS_CHROOT"],
      Privileged: false,
      Init: true,
      LogConfig: { Type: "json-file", Config: { "max-size": "10000000", "max-file": "3" } },
    },
  });
  assert.ok(!JSON.stringify(Labels).includes(`"2"`), "labels hold no value of a variable");
});

Deno.test("containerSpec() uses the agent's defaults and stays below the machine's resources", () => {
  const none = decodeApply(
    create(ApplyDeploymentSchema, { ...FULL, cpuMillicores: 0n, memoryMib: 0n, pidsMax: 0 }),
  );
  assert.deepEqual(containerSpec(none, 0, port(1), OPTIONS).limits, {
    cpuMillicores: 500,
    memoryBytes: 536_870_912,
    pidsMax: 100,
  });
  const huge = decodeApply(create(ApplyDeploymentSchema, { ...FULL, cpuMillicores: 64_000n }));
  assert.equal(containerSpec(huge, 0, port(1), OPTIONS).limits.cpuMillicores, 2_000);
});

Deno.test("specHash() changes with what shows inside of the container only", () => {
  const desired = decodeApply(create(ApplyDeploymentSchema, FULL));
  const hash = specHash(desired, OPTIONS);
  const same = [{ replicas: 9 }, { healthCheck: plainCheck("/other") }, { stopSeconds: 1 }, { init: false }, {
    buildId: "b_2",
  }, {
    env: { A: "1", B: "2" },
  }, { commit: { sha: "", branch: "", authorHandle: "" } }];
  for (const change of same) assert.equal(specHash({ ...desired, ...change }, OPTIONS), hash);
  const other = [{ image: "image:2" }, { port: 1 }, { command: [] }, { env: { A: "1" } }, {
    memoryMib: 1_000,
  }];
  for (const change of other) assert.notEqual(specHash({ ...desired, ...change }, OPTIONS), hash);
});

Deno.test("specHash() of a container stays when the control plane no longer sends the limits that nobody set", () => {
  const desired = decodeApply(create(ApplyDeploymentSchema, FULL));
  const options = { ...OPTIONS, pidsDefault: 1_024 };
  assert.equal(
    specHash({ ...desired, pidsMax: 0, ephemeralStorageMib: 0 }, options),
    specHash({ ...desired, pidsMax: 1_024, ephemeralStorageMib: 2_048 }, options),
  );
});

Deno.test("an app has exactly the capabilities of the setting, whatever the engine gives", async (t) => {
  const dropped = ["NET_RAW", "MKNOD", "AUDIT_WRITE", "SETFCAP", "SETPCAP", "SYS_CHROOT"];
  const desired = decodeApply(create(ApplyDeploymentSchema, FULL));
  const of = (capabilities: readonly string[]) =>
    containerSpec(desired, 0, port(1), { ...OPTIONS, capabilities });
  await t.step("by default", () => {
    const spec = of(CAPABILITIES_DEFAULT);
    assert.deepEqual([spec.capabilitiesDropped, spec.capabilitiesAdded], [dropped, []]);
  });
  await t.step("one that engines give, and one that they do not", () => {
    const spec = of([...CAPABILITIES_DEFAULT, "NET_RAW", "SYS_PTRACE"]);
    assert.deepEqual([spec.capabilitiesDropped, spec.capabilitiesAdded], [dropped.slice(1), ["SYS_PTRACE"]]);
  });
  await t.step("none", () => assert.equal(of([]).capabilitiesDropped.length, 14));
});

Deno.test("recoverDesired() gives the desired state that a container was made from", () => {
  const desired = decodeApply(create(ApplyDeploymentSchema, FULL));
  const { labels, env } = containerSpec(desired, 0, port(20_000), OPTIONS);
  assert.deepEqual(recoverDesired({ labels, env: { PATH: "/bin", ...env } }), desired);
  assert.equal(recoverDesired({ labels: { [LABEL.desired]: "{" }, env }), undefined);
});

Deno.test("a container of an agent that knew no commits is taken over as it is", () => {
  const desired = decodeApply(create(ApplyDeploymentSchema, FULL));
  const { labels, env } = containerSpec(desired, 0, port(20_000), OPTIONS);
  const { commit: _, ...known } = JSON.parse(labels[LABEL.desired] ?? "");
  const recovered = recoverDesired({ labels: { [LABEL.desired]: JSON.stringify(known) }, env });
  assert.deepEqual(recovered, { ...desired, commit: { sha: "", branch: "", authorHandle: "" } });
  assert.equal(specHash(recovered, OPTIONS), labels[LABEL.hash]);
});

Deno.test("platformVariables() leaves out unknown fields of the commit, and texts that cannot be a variable", () => {
  const desired = decodeApply(create(ApplyDeploymentSchema, FULL));
  const names = (commit: Partial<DesiredDeployment["commit"]>): readonly string[] =>
    Object.keys(platformVariables({ ...desired, commit: { ...desired.commit, ...commit } }, "r"))
      .filter((name) => name.startsWith("UNKEY_GIT_"));
  assert.deepEqual(names({}), [
    "UNKEY_GIT_COMMIT_SHA",
    "UNKEY_GIT_BRANCH",
    "UNKEY_GIT_COMMIT_AUTHOR_HANDLE",
  ]);
  assert.deepEqual(names({ sha: "", authorHandle: "a\0b" }), ["UNKEY_GIT_BRANCH"]);
});
