import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publicFault } from "../../pkg/fault/mod.ts";
import {
  type ApplyEnvironmentRequest,
  type PlanEnvironmentRequest,
  PlannedAction as Action,
  PlannedEffect as Effect,
} from "../../proto/gen/ctrl/v1/environment_pb.ts";
import {
  access,
  onlyFailure,
  onlyJson,
  type RunOptions,
  SHOP,
  startControlPlane,
  unkey,
} from "../shared/testing.ts";

const FINGERPRINT = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const CHANGES = [
  { setting: "port", live: "8080", wanted: "3000", action: Action.SET, effect: Effect.REDEPLOY },
  { setting: "scaling.max", stored: "3", action: Action.REMOVE, effect: Effect.AT_ONCE },
  { setting: "variables.A", live: "(set)", stored: "(set)", wanted: "(set)", effect: Effect.DEPLOY },
];
const PLANNED = { changes: CHANGES, fingerprint: FINGERPRINT, liveDeploymentId: "d_1" };
const TABLE = `SETTING      RUNS   STORED  WANTED     RUNS WITH
port         8080   -       3000       redeploy
scaling.max  -      3       (removed)  at once
variables.A  (set)  (set)   (set)      waits: deploy
shop production, d_1 is live: 2 changes, 1 waiting
`;

interface Asked {
  readonly plans: PlanEnvironmentRequest[];
  readonly applies: ApplyEnvironmentRequest[];
}

async function bed(file: object | undefined, plan: object = PLANNED) {
  const folder = await mkdtemp(join(tmpdir(), "unkey-plan-"));
  if (file !== undefined) await writeFile(join(folder, "unkey.json"), JSON.stringify(file));
  const asked: Asked = { plans: [], applies: [] };
  const api = await startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    environment: {
      planEnvironment(request) {
        asked.plans.push(request);
        return { plan };
      },
      applyEnvironment(request) {
        asked.applies.push(request);
        if (request.fingerprint === FINGERPRINT) return { plan };
        throw publicFault("failed_precondition", "This is not the plan that was shown.");
      },
    },
  });
  return {
    ...asked,
    folder,
    run: (args: readonly string[], options: RunOptions = {}) =>
      unkey(args, { ...options, cwd: folder, env: { ...access(api.url), ...options.env } }),
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

const FILE = { environment: "production", port: 3000 };
const answering = (answer: boolean) => ({
  confirm: () => Promise.resolve(answer),
  select: () => Promise.resolve(undefined),
  password: () => Promise.resolve(undefined),
});

Deno.test("plan prints a row for each change and the fingerprint, and ends with 3 only when asked", async () => {
  await using b = await bed(FILE);
  const { code, stdout } = await b.run(["plan"]);
  assert.deepEqual([code, stdout], [0, `${TABLE}plan ${FINGERPRINT}\n`]);
  assert.equal((await b.run(["plan", "--exit-code"])).code, 3);
  const asked = await b.run(["plan", "--exit-code", "--json"]);
  assert.equal(asked.code, 3);
  assert.equal((onlyJson(asked) as { exitCode: number }).exitCode, 3);
  assert.deepEqual(onlyJson(await b.run(["plan", "--json"])), {
    project: "shop",
    environment: "production",
    liveDeploymentId: "d_1",
    fingerprint: FINGERPRINT,
    changes: [
      { setting: "port", live: "8080", wanted: "3000", action: "set", effect: "redeploy" },
      { setting: "scaling.max", stored: "3", action: "remove", effect: "at_once" },
      {
        setting: "variables.A",
        live: "(set)",
        stored: "(set)",
        wanted: "(set)",
        action: "none",
        effect: "deploy",
      },
    ],
  });
  assert.equal(b.applies.length, 0);
});

Deno.test("plan without changes says so, and ends with 0", async () => {
  await using b = await bed(FILE, { fingerprint: FINGERPRINT });
  const { code, stdout } = await b.run(["plan", "--exit-code"]);
  assert.deepEqual([code, stdout], [0, "shop production, nothing is live: nothing to change\n"]);
});

Deno.test("plan sends what the file has for its environment, and no flag or variable of a deploy", async () => {
  await using b = await bed({
    ...FILE,
    memory: "1GiB",
    protocol: "h2c",
    healthCheckPath: "/up",
    idleEnd: "7d",
    variables: {
      TEXT: "a",
      COUNT: 3,
      SHELL: { env: "GIVEN" },
      READ: { file: "token" },
      OLD: { required: true },
    },
    domains: ["shop.example", { name: "www.shop.example", redirectTo: "shop.example" }, {
      name: "qa.shop.example",
      environment: "qa",
    }],
  });
  await writeFile(join(b.folder, "token"), "s3cret\n");
  const env = { GIVEN: "from here", UNKEY_APP_PORT: "1", UNKEY_CPU: "4" };
  await b.run(["plan"], { env });
  const plan = await b.run(["plan", "--env", "qa", "--prune"], { env });
  assert.equal(plan.code, 0, plan.stderr);
  const [production, qa] = b.plans.map(({ environmentSlug, wanted }) => ({ environmentSlug, ...wanted }));
  assert.deepEqual(
    [production?.settings?.port, production?.size?.memoryMib, production?.size?.cpuMillicores],
    [
      3000,
      1024,
      0,
    ],
  );
  assert.deepEqual([production?.settings?.healthCheck?.path, production?.appProtocol], ["/up", "h2c"]);
  assert.deepEqual([production?.idleEndSeconds, production?.prune], [undefined, false]);
  assert.deepEqual(production?.variables, { TEXT: "a", COUNT: "3", SHELL: "from here", READ: "s3cret" });
  assert.deepEqual(production?.requiredVariables, ["OLD"]);
  assert.deepEqual(production?.domains?.map(({ domain, redirectTo }) => [domain, redirectTo]), [
    ["shop.example", ""],
    ["www.shop.example", "shop.example"],
  ]);
  assert.deepEqual([qa?.environmentSlug, qa?.idleEndSeconds, qa?.prune], ["qa", 604_800n, true]);
  assert.deepEqual(qa?.domains?.map(({ domain }) => domain), ["qa.shop.example"]);
});

Deno.test("plan names every variable without a value, and calls nothing", async () => {
  await using b = await bed({ variables: { A: { env: "NOWHERE" }, B: { file: "nofile" }, C: "c" } });
  const { code, stderr } = await b.run(["plan"]);
  assert.equal(code, 2);
  assert.match(stderr, /A: the variable NOWHERE is not set\n {2}B: the file nofile cannot be read\n/);
  assert.equal(b.plans.length, 0);
});

Deno.test("plan and apply without a file say which command writes one", async () => {
  await using b = await bed(undefined);
  for (const verb of ["plan", "apply"]) {
    const { code, stderr } = await b.run([verb]);
    assert.equal(code, 2);
    assert.match(stderr, /There is no unkey\.json here.*"unkey init" writes one/);
  }
});

Deno.test("apply shows the plan, asks, and makes the changes of the plan that was shown", async () => {
  await using b = await bed(FILE);
  const declined = await b.run(["apply"], { prompts: answering(false) });
  assert.deepEqual([declined.code, declined.stdout], [130, TABLE]);
  assert.equal(b.applies.length, 0);
  const { code, stdout, stderr } = await b.run(["apply"], { prompts: answering(true) });
  assert.deepEqual([code, stdout], [0, `${TABLE}applied 2 changes to shop production\n`]);
  assert.match(stderr, /unkey deploy --env production/);
  assert.equal(b.applies[0]?.fingerprint, FINGERPRINT);
  assert.equal(b.applies[0]?.wanted?.settings?.port, 3000);
});

Deno.test("apply names the command that shows the records of a domain that it added", async () => {
  const domain = { wanted: "serves", action: Action.SET, effect: Effect.AT_ONCE };
  const changes = [
    { ...domain, setting: "domains.new.example" },
    {
      ...domain,
      setting: "domains.old.example",
      live: "redirects to a.example",
      stored: "redirects to a.example",
    },
  ];
  await using b = await bed(FILE, { ...PLANNED, changes });
  const { code, stderr } = await b.run(["apply", "--yes"]);
  assert.equal(code, 0);
  assert.match(stderr, /unkey domains verify new\.example\n/);
  assert.doesNotMatch(stderr, /verify old\.example|redeploy|unkey deploy/);
});

Deno.test("apply off a terminal needs --yes or --fingerprint, and asks nothing when there is nothing to change", async () => {
  await using b = await bed(FILE);
  const silent = await b.run(["apply", "--json"]);
  assert.equal(silent.code, 2);
  assert.match(silent.stderr, /no terminal to ask on, so nothing was changed: --yes/);
  assert.match(silent.stderr, /scaling\.max/);
  for (const args of [["--yes"], ["--fingerprint", FINGERPRINT]]) {
    const json = await b.run(["apply", "--json", ...args]);
    assert.equal(json.code, 0, json.stderr);
    assert.deepEqual((onlyJson(json) as { applied: number }).applied, 2);
  }
  await using none = await bed(FILE, { fingerprint: FINGERPRINT });
  const nothing = await none.run(["apply"]);
  assert.deepEqual([nothing.code, none.applies.length], [0, 0]);
});

Deno.test("apply of another plan than the one that is meant fails with the control plane's words", async () => {
  await using b = await bed(FILE);
  const other = "0".repeat(64);
  const result = await b.run(["apply", "--fingerprint", other, "--json"]);
  assert.deepEqual(onlyFailure(result), {
    error: { code: "failed_precondition", message: "This is not the plan that was shown." },
    exitCode: 1,
  });
  const half = await b.run(["apply", "--fingerprint", "9f86"]);
  assert.equal(half.code, 2);
  assert.match(half.stderr, /must be the 64 digits/);
});
