import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import { GradualState } from "../../proto/gen/ctrl/v1/gradual_switch_pb.ts";
import { SwitchPath } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { access, deploymentOf, onlyJson, SHOP, startControlPlane, unkey } from "../shared/testing.ts";

const RUNNING = {
  id: "gs_1",
  projectSlug: "shop",
  environmentSlug: "production",
  fromDeploymentId: "d_2",
  toDeploymentId: "d_3",
  state: GradualState.RUNNING,
  percent: 10,
  steps: [10, 50],
  everyMs: 120_000n,
  startedAt: 1n,
  stepStartedAt: 1n,
};
const COUNTED = {
  next: { requests: 812n, failed: 41n, p95Ms: 20.4 },
  live: { requests: 7_310n, failed: 0n },
};

/** A control plane whose gradual switch goes through these states, one for each look. */
async function controlPlane(...states: readonly object[]) {
  const seen: string[] = [];
  const rest = [...states];
  const server = await startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    deployment: {
      getDeployment: ({ deploymentId }) => ({ deployment: deploymentOf({ id: deploymentId }) }),
      listDeployments: () => ({ deployments: [deploymentOf({ id: "d_3" })] }),
      listSwitches: () => ({ switches: [] }),
      planPromote: () => ({
        plan: {
          projectSlug: "shop",
          environmentSlug: "production",
          fromDeploymentId: "d_2",
          toDeploymentId: "d_3",
          path: SwitchPath.INSTANT,
        },
      }),
      beginGradualSwitch: ({ targetDeploymentId, steps, everyMs, sticky }) => {
        seen.push(`begin ${targetDeploymentId} ${steps.join()} ${everyMs} ${sticky}`);
        return { gradualSwitch: RUNNING };
      },
      getGradualSwitch: () => ({ gradualSwitch: { ...RUNNING, ...rest.shift() } }),
      listGradualSwitches: ({ environmentSlug, running }) => {
        seen.push(`list ${environmentSlug} ${running}`);
        return { gradualSwitches: states.length === 0 ? [] : [RUNNING] };
      },
      advanceGradualSwitch: ({ gradualSwitchId }) => {
        seen.push(`advance ${gradualSwitchId}`);
        return { gradualSwitch: { ...RUNNING, ...rest.shift() } };
      },
      abortGradualSwitch: ({ gradualSwitchId }) => {
        seen.push(`abort ${gradualSwitchId}`);
        return { gradualSwitch: { ...RUNNING, state: GradualState.CANCELLED, reason: "r" } };
      },
    },
  });
  return { server, seen };
}

const COMPLETED = {
  state: GradualState.COMPLETED,
  percent: 100,
  endedAt: 9n,
  reason: "It serves all requests.",
};
const ABORTED = {
  state: GradualState.ABORTED,
  percent: 0,
  endedAt: 9n,
  reason: "5.0 % of 812 requests failed, 0.0 % of 7,310 of the live version.",
  evidence: COUNTED,
};

Deno.test("promote --gradual follows the steps to the end, and says what was seen", async () => {
  const { server, seen } = await controlPlane({ evidence: COUNTED }, {
    percent: 50,
    step: 1,
    evidence: COUNTED,
  }, COMPLETED);
  await using _server = server;
  const result = await unkey(["promote", "d_3", "--gradual", "--yes"], { env: access(server.url) });
  assert.deepEqual(result, {
    code: 0,
    stdout: "promoted d_3 in shop/production, d_2 before\n",
    stderr: [
      "10 % of the requests go to d_3, the others to d_2 (step 1 of 3); no requests counted yet",
      "50 % of the requests go to d_3, the others to d_2 (step 2 of 3); failed: 5.0 % of 812, p95 20 ms, " +
      "of the live version 0.0 % of 7,310",
      "",
    ].join("\n"),
  });
  assert.deepEqual(seen, ["begin d_3  120000 false"]);
});

Deno.test("promote --gradual ends with 21 and the evidence when the gate aborts", async () => {
  const { server } = await controlPlane(ABORTED, ABORTED);
  await using _server = server;
  const args = ["promote", "d_3", "--gradual", "--yes"];
  const { code, stdout } = await unkey(args, { env: access(server.url) });
  assert.equal(code, 21);
  assert.match(stdout, /^d_3 in shop\/production was not promoted, aborted: 5\.0 % of 812 requests failed/);
  const json = await unkey([...args, "--json"], { env: access(server.url) });
  assert.equal(json.code, 21);
  assert.partialDeepStrictEqual(JSON.parse(json.stdout), {
    exitCode: 21,
    gradualSwitch: {
      id: "gs_1",
      from: "d_2",
      to: "d_3",
      state: "aborted",
      evidence: { next: { failed: 41 } },
    },
  });
});

Deno.test("promote --gradual --hold and --detach begin it and end", async () => {
  const { server, seen } = await controlPlane();
  await using _server = server;
  const env = access(server.url);
  const held = await unkey([
    "promote",
    "d_3",
    "--gradual",
    "--hold",
    "--steps",
    "5, 25%",
    "--sticky",
    "--yes",
  ], { env });
  assert.deepEqual([held.code, held.stderr], [0, ""]);
  assert.equal(
    held.stdout,
    'd_3 gets 10 % of the requests of shop/production: "unkey promote d_3 --next" goes on, "unkey promote d_3 --abort" ends it\n',
  );
  await unkey(["promote", "d_3", "--gradual", "--detach", "--every", "30s", "--yes"], { env });
  assert.deepEqual(seen, ["begin d_3 5,25 0 true", "begin d_3  30000 false"]);
  const plan = await unkey(["promote", "d_3", "--gradual", "--plan"], { env });
  assert.match(plan.stdout, /in steps: 10 %, 50 %, 100 % of the requests\n$/);
});

Deno.test("promote --next and --abort act on the gradual switch of the deployment's environment", async () => {
  const { server, seen } = await controlPlane({ percent: 50, step: 1 }, COMPLETED);
  await using _server = server;
  const env = access(server.url);
  assert.equal(
    (await unkey(["promote", "shop", "--next"], { env })).stdout,
    "d_3 gets 50 % of the requests of shop/production\n",
  );
  assert.equal(
    (await unkey(["promote", "d_3", "--next"], { env })).stdout,
    "promoted d_3 in shop/production, d_2 before\n",
  );
  assert.equal(
    (await unkey(["promote", "d_3", "--abort"], { env })).stdout,
    "ended: d_2 gets all requests of shop/production again\n",
  );
  assert.deepEqual(seen.filter((each) => !each.startsWith("list")), [
    "advance gs_1",
    "advance gs_1",
    "abort gs_1",
  ]);
  const none = await controlPlane();
  await using _none = none.server;
  const { code, stderr } = await unkey(["promote", "d_3", "--abort"], { env: access(none.server.url) });
  assert.equal(code, 18);
  assert.match(stderr, /No gradual switch runs/);
});

Deno.test("status shows a gradual switch to a deployment and beside it, and all that run", async () => {
  const { server } = await controlPlane({});
  await using _server = server;
  const env = access(server.url);
  const text = await unkey(["status", "d_3"], { env });
  assert.match(text.stdout + text.stderr, /gradual +10 % of the requests go to d_3/);
  const json = onlyJson(await unkey(["status", "d_2", "--json"], { env }));
  assert.partialDeepStrictEqual(json, { gradualSwitch: { id: "gs_1", percent: 10 } });
});

Deno.test("an older control plane has no gradual switches", async () => {
  const server = await startControlPlane({
    deployment: {
      getDeployment: ({ deploymentId }) => ({ deployment: deploymentOf({ id: deploymentId }) }),
      listSwitches: () => ({ switches: [] }),
      listGradualSwitches: () => {
        throw new ConnectError("no", Code.Unimplemented);
      },
    },
  });
  await using _server = server;
  const { code, stdout } = await unkey(["status", "d_3"], { env: access(server.url) });
  assert.equal(code, 0);
  assert.doesNotMatch(stdout, /gradual/);
});

Deno.test("flags of a gradual switch that do not go together are wrong usage", async () => {
  for (
    const args of [
      ["--next", "--abort"],
      ["--gradual", "--hold", "--every", "2m"],
      ["--steps", "10"],
      ["--sticky"],
      ["--next", "--hold"],
      ["--gradual", "--steps", "50,10"],
      ["--gradual", "--steps", "100"],
      ["--gradual", "--every", "0s"],
    ]
  ) {
    assert.equal(
      (await unkey(["promote", "d_3", ...args], { env: access("http://127.0.0.1:1") })).code,
      2,
      args.join(" "),
    );
  }
});
