import assert from "node:assert/strict";
import { join } from "node:path";
import type { SetEnvironmentVariablesRequest } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import type { CreateDeploymentRequest } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { DeploymentStatus } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import {
  access,
  deploymentOf,
  NOW,
  onlyJson,
  type RunOptions,
  SHOP,
  startControlPlane,
  unkey,
} from "../shared/testing.ts";

async function controlPlane(live = "d_1") {
  const sets: SetEnvironmentVariablesRequest[] = [];
  const creates: CreateDeploymentRequest[] = [];
  const names = new Set(["OLD", "TOKEN"]);
  const api = await startControlPlane({
    admin: {
      listProjects: () => ({ projects: [SHOP] }),
      listEnvironments: () => ({ environments: [{ slug: "preview", liveDeploymentId: live }] }),
      setEnvironmentVariables(request) {
        sets.push(request);
        return {};
      },
      removeEnvironmentVariable: ({ key }) => ({ removed: names.delete(key) }),
      listEnvironmentVariables: () => ({
        variables: [...names].map((key, at) => ({ key, updatedAt: BigInt(NOW - (at + 1) * 60_000) })),
      }),
    },
    deployment: {
      createDeployment(request) {
        creates.push(request);
        return { deploymentId: "d_2", status: DeploymentStatus.PENDING };
      },
      getDeployment: ({ deploymentId }) => ({
        deployment: deploymentOf({ id: deploymentId, environmentSlug: "preview" }),
      }),
      listDeployments: () => ({ deployments: [] }),
      async *watchDeploymentEvents() {},
    },
  });
  const run = (args: readonly string[], options: RunOptions = {}) =>
    unkey(["variables", ...args], { ...options, env: { ...access(api.url), ...options.env } });
  return { sets, creates, run, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

Deno.test("variables list shows names and when they changed", async () => {
  await using api = await controlPlane();
  const { code, stdout, stderr } = await api.run(["list"]);
  assert.equal(code, 0, stderr);
  assert.equal(
    stdout,
    `NAME   CHANGED
OLD    1m ago
TOKEN  2m ago
`,
  );
  assert.deepEqual(onlyJson(await api.run(["list", "--json", "--env", "production"])), {
    project: "shop",
    environment: "production",
    variables: [{ name: "OLD", updatedAt: NOW - 60_000 }, { name: "TOKEN", updatedAt: NOW - 120_000 }],
  });
});

Deno.test("variables set takes values from words, a file, standard input and a question, and repeats none", async () => {
  await using api = await controlPlane();
  const folder = await Deno.makeTempDir({ prefix: "unkey-test-variables-" });
  try {
    await Deno.writeTextFile(join(folder, ".env"), 'FILE="s3cret\nlines"\nA=from file\n');
    const prompts = {
      confirm: () => Promise.resolve(undefined),
      select: () => Promise.resolve(undefined),
      password: () => Promise.resolve("s3cret asked"),
    };
    const printed = [
      await api.run(["set", "A=s3cret=1", "--from-file", ".env"], { cwd: folder }),
      await api.run(["set", "B", "C="], { prompts }),
      await api.run(["set", "D", "--stdin"], { stdin: "s3cret\nstdin\n" }),
      await api.run(["set", "--from-file", "-"], { stdin: "E=s3cret\n" }),
    ];
    for (const { code, stdout, stderr } of printed) {
      assert.equal(code, 0, stderr);
      assert.doesNotMatch(stdout + stderr, /s3cret/);
    }
    assert.match(
      printed[0]?.stderr ?? "",
      /set 2 variables \(A, FILE\) in preview of shop\n.*"unkey redeploy"/,
    );
    assert.deepEqual(api.sets.map(({ variables }) => variables), [
      { FILE: "s3cret\nlines", A: "s3cret=1" },
      { B: "s3cret asked", C: "" },
      { D: "s3cret\nstdin" },
      { E: "s3cret" },
    ]);
    assert.deepEqual(api.creates, []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("variables set refuses what it cannot use, all of it at once and without values", async () => {
  await using api = await controlPlane();
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["set"], /nothing to set/],
    [["set", "1A=s3cret", "s3cret value", "B-C=s3cret"], /"1A" cannot.*\nword 2 cannot.*\n"B-C" cannot/],
    [["set", "A"], /A has no value.*--stdin/],
    [["set", "A=s3cret", "--stdin"], /--stdin gives the value of one NAME/],
    [["set", "--from-file", "/nowhere/.env"], /cannot be read/],
    [["set", "--from-file", "-"], /standard input cannot be used:\n {2}line 1:/],
    [["remove", "NONE", "NEITHER"], /no NONE and no NEITHER in preview/],
  ];
  for (const [args, text] of cases) {
    const { code, stderr } = await api.run(args, { stdin: "s3cret line\n" });
    assert.notEqual(code, 0, args.join(" "));
    assert.match(stderr, text);
    assert.doesNotMatch(stderr, /s3cret/);
  }
  assert.deepEqual(api.sets, []);
});

Deno.test("variables set --redeploy deploys again what is live and prints its URLs", async () => {
  await using api = await controlPlane();
  const { code, stdout, stderr } = await api.run(["set", "A=1", "--redeploy"]);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, "http://shop-acme.localhost:7070\n");
  assert.match(stderr, /set 1 variable \(A\)[^]*redeploying d_1[^]*created d_2/);
  const [{ redeployOf, environmentSlug, idempotencyKey } = {}] = api.creates;
  assert.deepEqual([redeployOf, environmentSlug], ["d_1", ""]);
  assert.match(idempotencyKey ?? "", /^deploy_/);
  const removed = await api.run(["remove", "TOKEN", "NONE", "--redeploy", "--json"]);
  assert.equal(removed.code, 0, removed.stderr);
  const result = onlyJson(removed);
  assert.ok(typeof result === "object" && result !== null && "id" in result && "environment" in result);
  assert.ok("removed" in result);
  assert.deepEqual([result.id, result.environment, result.removed], ["d_2", "preview", ["TOKEN"]]);
});

Deno.test("the variables are changed also when there is nothing to redeploy, and the exit code says that there was not", async () => {
  await using api = await controlPlane("");
  const { code, stderr } = await api.run(["set", "A=1", "--redeploy"]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /set 1 variable \(A\)[^]*nothing in the environment "preview" of shop.*"unkey deploy"/,
  );
  assert.equal(api.sets.length, 1);
});
