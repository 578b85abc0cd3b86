import assert from "node:assert/strict";
import { publicFault } from "../../pkg/fault/mod.ts";
import type { DeleteEnvironmentRequest } from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { access, onlyJson, type RunOptions, SHOP, startControlPlane, unkey } from "../shared/testing.ts";

async function controlPlane(deletes: DeleteEnvironmentRequest[] = []) {
  const api = await startControlPlane({
    admin: {
      listProjects: () => ({ projects: [SHOP] }),
      listEnvironments: () => ({
        environments: [
          { id: "env_1", slug: "production", liveDeploymentId: "d_1", rolledBack: true },
          { id: "env_2", slug: "qa", description: "for QA" },
        ],
      }),
    },
    environment: {
      createEnvironment: ({ slug }) => ({ id: `env_${slug}` }),
      deleteEnvironment(request) {
        deletes.push(request);
        if (!request.stop) throw publicFault("failed_precondition", "still runs d_2: use --stop");
        return { stoppedDeploymentIds: ["d_2"] };
      },
    },
  });
  const run = (args: readonly string[], options: RunOptions = {}) =>
    unkey(args, { ...options, env: access(api.url) });
  return { run, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

Deno.test("environments list shows what each one serves; env is short for it", async () => {
  await using api = await controlPlane();
  const { code, stdout, stderr } = await api.run(["env", "list"]);
  assert.equal(code, 0, stderr);
  assert.equal(
    stdout,
    `ENVIRONMENT  LIVE DEPLOYMENT  ROLLED BACK  DESCRIPTION
production   d_1              yes          -
qa           -                -            for QA
`,
  );
  assert.deepEqual(onlyJson(await api.run(["environments", "list", "--json"])), {
    project: "shop",
    environments: [
      { id: "env_1", slug: "production", description: "", liveDeploymentId: "d_1", rolledBack: true },
      { id: "env_2", slug: "qa", description: "for QA", rolledBack: false },
    ],
  });
});

Deno.test("environments create prints the id, and what comes next beside it", async () => {
  await using api = await controlPlane();
  const { stdout, stderr } = await api.run(["environments", "create", "qa"]);
  assert.equal(stdout, "env_qa\n");
  assert.match(stderr, /unkey deploy --env qa/);
  assert.deepEqual(onlyJson(await api.run(["environments", "create", "qa", "--json"])), {
    id: "env_qa",
    slug: "qa",
    project: "shop",
  });
});

Deno.test("environments delete asks where somebody can answer, and says what it stopped", async () => {
  const deletes: DeleteEnvironmentRequest[] = [];
  await using api = await controlPlane(deletes);
  const answering = (answer: boolean | undefined) => ({
    confirm: () => Promise.resolve(answer),
    select: () => Promise.resolve(undefined),
    password: () => Promise.resolve(undefined),
  });
  const declined = await api.run(["environments", "delete", "qa"], { prompts: answering(false) });
  assert.equal(declined.code, 130);
  assert.deepEqual(deletes, []);
  const running = await api.run(["environments", "delete", "qa"], { prompts: answering(true) });
  assert.equal(running.code, 1);
  assert.match(running.stderr, /still runs d_2: use --stop/);
  const stopped = await api.run(["environments", "delete", "qa", "--stop", "--yes"], {
    prompts: answering(undefined),
  });
  assert.equal(stopped.code, 0);
  assert.match(stopped.stderr, /deleted qa of shop, stopped d_2/);
  assert.deepEqual(onlyJson(await api.run(["environments", "delete", "qa", "--stop", "--json"])), {
    slug: "qa",
    project: "shop",
    stopped: ["d_2"],
  });
});
