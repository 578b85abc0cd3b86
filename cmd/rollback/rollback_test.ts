import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import type { RollbackRequest } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { SwitchPath } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { access, onlyJson, SHOP, startControlPlane, unkey } from "../shared/testing.ts";

const SWITCH = {
  projectSlug: "shop",
  environmentSlug: "production",
  fromDeploymentId: "d_2",
  toDeploymentId: "d_1",
  path: SwitchPath.INSTANT,
  rolledBack: true,
  hostnames: ["shop-acme.localhost"],
  urls: ["http://shop-acme.localhost:7070"],
};
const JSON_OF_SWITCH = {
  project: "shop",
  environment: "production",
  from: "d_2",
  to: "d_1",
  path: "instant",
  rolledBack: true,
  hostnames: ["shop-acme.localhost"],
  urls: ["http://shop-acme.localhost:7070"],
};

async function controlPlane(path: SwitchPath, refuse?: ConnectError) {
  const seen: string[] = [];
  const note = (what: string, request: RollbackRequest): void => {
    const { sourceDeploymentId: from, targetDeploymentId: to, projectId, environmentSlug } = request;
    seen.push([what, from, to, projectId, environmentSlug].filter((each) => each !== "").join(" "));
    if (refuse !== undefined) throw refuse;
  };
  const server = await startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    deployment: {
      planRollback: (request) => {
        note("plan", request);
        return { plan: { ...SWITCH, path } };
      },
      rollback: (request) => {
        note("rollback", request);
        return { switched: { ...SWITCH, path, tookMs: 80n } };
      },
    },
  });
  return { server, seen };
}

Deno.test("rollback finds the project, asks for a plan, and then names both deployments", async () => {
  const { server, seen } = await controlPlane(SwitchPath.INSTANT);
  await using _server = server;
  const result = await unkey(["rollback", "--yes"], { env: access(server.url) });
  assert.deepEqual(result, {
    code: 0,
    stdout:
      "rolled back shop/production from d_2 to d_1 (instant, 0.08 s): http://shop-acme.localhost:7070\n",
    stderr: "",
  });
  // A repeat of "the one before" would go back two steps.
  assert.deepEqual(seen, ["plan proj_shop production", "rollback d_2 d_1"]);
  const json = onlyJson(await unkey(["rollback", "d_1", "--yes", "--json"], { env: access(server.url) }));
  assert.deepEqual(json, { ...JSON_OF_SWITCH, tookMs: 80 });
  assert.deepEqual(seen.slice(2), ["plan d_1", "rollback d_2 d_1"]);
});

Deno.test("rollback --plan prints the path and changes nothing", async (t) => {
  for (
    const [path, text] of [
      [SwitchPath.INSTANT, "instant: it runs: traffic moves at once"],
      [
        SwitchPath.WARM,
        "warm: none of its instances runs at the moment: it is waited for, then traffic moves",
      ],
      [SwitchPath.COLD, "cold: it is stopped: it is started, and traffic moves when it runs"],
    ] as const
  ) {
    await t.step(text, async () => {
      const { server, seen } = await controlPlane(path);
      await using _server = server;
      const result = await unkey(["rollback", "--plan", "--env", "preview"], { env: access(server.url) });
      assert.deepEqual(result, {
        code: 0,
        stdout:
          `would roll back shop/production from d_2 to d_1\n${text}\nnames: http://shop-acme.localhost:7070\n`,
        stderr: "",
      });
      const json = onlyJson(await unkey(["rollback", "--plan", "--json"], { env: access(server.url) }));
      assert.deepEqual(json, { plan: { ...JSON_OF_SWITCH, path: text.split(":")[0] } });
      assert.deepEqual(seen, ["plan proj_shop preview", "plan proj_shop production"]);
    });
  }
});

Deno.test("rollback --plan shows the settings that are others afterwards, and only those", async () => {
  const check = { path: "/up", intervalSeconds: 5 };
  const size = { memoryMib: 256, cpuMillicores: 250, replicas: 2 };
  const plan = {
    ...SWITCH,
    fromSettings: {
      app: { port: 3000, stopSeconds: 30, healthCheck: check },
      size: { ...size, memoryMib: 512 },
    },
    toSettings: { app: { port: 3000, command: ["node", "old server.js"], healthCheck: check }, size },
  };
  await using server = await startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    deployment: { planRollback: () => ({ plan }) },
  });
  const { stdout } = await unkey(["rollback", "--plan"], { env: access(server.url) });
  assert.ok(
    stdout.endsWith(`names: http://shop-acme.localhost:7070

SETTING      NOW      AFTERWARDS
stopTimeout  30s      -
memory       512 MiB  256 MiB
command      -        node 'old server.js'
`),
    stdout,
  );
  const json = onlyJson(await unkey(["rollback", "--plan", "--json"], { env: access(server.url) }));
  const healthCheck = { path: "/up", interval: "5s" };
  assert.deepEqual(json, {
    plan: {
      ...JSON_OF_SWITCH,
      fromApp: { port: 3000, healthCheck, stopTimeout: "30s", memory: 512, cpu: 0.25, replicas: 2 },
      toApp: {
        port: 3000,
        command: ["node", "old server.js"],
        healthCheck,
        memory: 256,
        cpu: 0.25,
        replicas: 2,
      },
    },
  });
});

Deno.test("rollback to a stopped deployment says that it is started first", async () => {
  const { server } = await controlPlane(SwitchPath.COLD);
  await using _server = server;
  const { stdout, stderr } = await unkey(["rollback", "--yes"], { env: access(server.url) });
  assert.equal(stderr, "d_1 is stopped: starting it, then traffic moves.\n");
  assert.match(stdout, /\(cold, 0.08 s\)/);
});

Deno.test("rollback asks before it does it, and --yes answers", async () => {
  const { server, seen } = await controlPlane(SwitchPath.INSTANT);
  await using _server = server;
  const asked: string[] = [];
  const prompts = {
    confirm: ({ message }: { readonly message: string }) => Promise.resolve(asked.push(message) < 0),
    select: () => Promise.resolve(undefined),
    password: () => Promise.resolve(undefined),
  };
  const refused = await unkey(["rollback"], { env: access(server.url), prompts });
  assert.deepEqual([refused.code, refused.stdout], [130, ""]);
  assert.match(refused.stderr, /Nothing was changed/);
  assert.deepEqual(asked, ["Roll back shop/production from d_2 to d_1?"]);
  assert.deepEqual(seen, ["plan proj_shop production"]);
  const done = await unkey(["rollback", "--yes"], { env: access(server.url), prompts });
  assert.deepEqual([done.code, asked.length], [0, 1]);
});

Deno.test("each way to fail has its exit code, and one object with --json", async (t) => {
  const cases: readonly [Code, number, string][] = [
    [Code.FailedPrecondition, 18, "failed_precondition"],
    [Code.NotFound, 1, "not_found"],
    [Code.PermissionDenied, 4, "permission_denied"],
    [Code.Unavailable, 20, "unavailable"],
  ];
  for (const [code, exitCode, name] of cases) {
    await t.step(name, async () => {
      const { server } = await controlPlane(SwitchPath.INSTANT, new ConnectError("It says why.", code));
      await using _server = server;
      const result = await unkey(["rollback", "d_1", "--yes", "--json"], { env: access(server.url) });
      assert.equal(result.code, exitCode);
      const json = onlyJson(result) as { error: { code: string; message: string }; exitCode: number };
      assert.deepEqual([json.error.code, json.exitCode], [name, exitCode]);
      assert.match(result.stderr, /It says why/);
    });
  }
});
