/** Plans and applies over the api, with the real store and the real vault. */
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import {
  type EnvironmentPlan,
  EnvironmentService,
  PlannedAction,
  WantedEnvironmentSchema,
} from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { clock, eachRefused, refused, startApi, vaultOf } from "../testing.ts";
import { listSleeps } from "../../internal/store/mod.ts";
import { runNew } from "../testing_agents.ts";
import { setLive, setUpLife } from "../testing_lifecycle.ts";
import { applyEnvironment } from "./apply_environment.ts";
import { decodeWanted } from "./plan_wire.ts";

const WANTED = {
  size: { memoryMib: 512 },
  settings: { port: 3000, healthCheck: { path: "/up" } },
  variables: { LOG_LEVEL: "debug", TOKEN: "s3cret" },
};
const SETTINGS = ["healthCheck.path", "healthCheck.type", "memory", "port", "variables.LOG_LEVEL"];

function made(plan: EnvironmentPlan | undefined): readonly string[] {
  return plan?.changes.filter(({ action }) => action !== PlannedAction.UNSPECIFIED)
    .map(({ setting }) => setting) ?? [];
}

async function bed() {
  const api = await startApi();
  const life = await setUpLife(api);
  const { tenant } = life;
  const environments = api.client(EnvironmentService, tenant.rootKey);
  const admin = api.client(AdminService, tenant.rootKey);
  const where = { projectId: tenant.projectId, environmentSlug: "production" };
  const read = () =>
    api.db.kysely.selectFrom("environments").selectAll()
      .where("id", "=", life.environmentId).executeTakeFirstOrThrow();
  return {
    ...life,
    api,
    environments,
    admin,
    where,
    read,
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

Deno.test("an apply makes the changes of the plan, is audited once, and leaves nothing to change", async () => {
  await using b = await bed();
  const { environments, admin, where, environmentId } = b;
  const { plan } = await environments.planEnvironment({ ...where, wanted: WANTED });
  assert.deepEqual(made(plan), [...SETTINGS, "variables.TOKEN"]);
  assert.equal(plan?.liveDeploymentId, b.d2);
  assert.equal((await b.read()).size, null, "a plan changes nothing");
  const { fingerprint } = plan;
  const applied = await environments.applyEnvironment({ ...where, wanted: WANTED, fingerprint });
  assert.deepEqual(applied.plan?.changes, plan.changes);
  const row = await b.read();
  assert.deepEqual([row.size, row.app_settings], [
    '{"memoryMib":512}',
    '{"port":3000,"healthCheck":{"kind":"http","path":"/up"}}',
  ]);
  const variables = await b.api.db.kysely.selectFrom("environment_variables").selectAll()
    .where("environment_id", "=", environmentId).orderBy("name").execute();
  const vault = vaultOf(b.api);
  assert.deepEqual(
    await Promise.all(
      variables.map(({ name, ciphertext }) => vault.decrypt(environmentId, name, ciphertext)),
    ),
    ["debug", "s3cret"],
  );
  const { entries } = await admin.listAuditLog({ action: "environment.apply" });
  assert.deepEqual(entries.map(({ factsJson }) => JSON.parse(factsJson)), [
    { set: [...SETTINGS, "variables.TOKEN"], removed: [], plan: fingerprint },
  ]);
  const after = (await environments.planEnvironment({ ...where, wanted: WANTED })).plan;
  assert.deepEqual(made(after), []);
  assert.equal(after?.changes.length, 6, "what is stored and does not run is shown");
  const again = await environments.applyEnvironment({ ...where, wanted: WANTED, fingerprint });
  assert.deepEqual(made(again.plan), [], "a call that is sent again finds its changes made");
});

Deno.test("no answer and no row of the log holds a variable's value", async () => {
  await using b = await bed();
  const { environments, where } = b;
  const answers = [
    await environments.planEnvironment({ ...where, wanted: WANTED }),
    await environments.applyEnvironment({ ...where, wanted: WANTED }),
    await environments.planEnvironment({ ...where, wanted: { variables: { TOKEN: "0ther" } } }),
  ];
  const shown = JSON.stringify(answers, (_key, value) => typeof value === "bigint" ? String(value) : value);
  const log = await b.api.db.kysely.selectFrom("audit_log").selectAll().execute();
  assert.doesNotMatch(`${shown}${JSON.stringify(log)}${b.api.lines.join("\n")}`, /s3cret|0ther/);
});

Deno.test("an apply of another plan than the one that is meant changes nothing", async (t) => {
  await using b = await bed();
  const { environments, admin, where } = b;
  const changes: readonly [string, () => Promise<unknown>][] = [
    ["a setting", () => environments.setAppSettings({ ...where, settings: { stopSeconds: 20 } })],
    ["a size", () => environments.setSize({ ...where, size: { replicas: 2 } })],
    ["a variable", () => admin.setEnvironmentVariables({ ...where, variables: { OTHER: "1" } })],
    ["a removed variable", () => admin.removeEnvironmentVariable({ ...where, key: "OTHER" })],
    ["the live deployment", () => setLive(b.api, b.environmentId, b.d2, b.d3)],
  ];
  for (const [name, change] of changes) {
    await t.step(name, async () => {
      const { plan } = await environments.planEnvironment({ ...where, wanted: WANTED });
      await change();
      const before = await b.read();
      const call = environments.applyEnvironment({
        ...where,
        wanted: WANTED,
        fingerprint: plan?.fingerprint ?? "",
      });
      await refused(call, Code.FailedPrecondition, /not the plan that was shown.*Nothing was changed/s);
      assert.deepEqual(await b.read(), before);
    });
  }
  await t.step("what is wanted", async () => {
    const { plan } = await environments.planEnvironment({ ...where, wanted: WANTED });
    const wanted = { ...WANTED, variables: { ...WANTED.variables, TOKEN: "0ther" } };
    const call = environments.applyEnvironment({ ...where, wanted, fingerprint: plan?.fingerprint ?? "" });
    await refused(call, Code.FailedPrecondition, /not the plan/);
  });
});

Deno.test("an apply whose rows change before its transaction writes nothing", async () => {
  await using b = await bed();
  const { api, admin, where, tenant } = b;
  const sealing = vaultOf(api);
  // The last that an apply does before its transaction is to encrypt.
  const vault = {
    ...sealing,
    async encrypt(keyring: string, name: string, value: string): Promise<string> {
      await admin.setEnvironmentVariables({ ...where, variables: { OTHER: "1" } });
      return await sealing.encrypt(keyring, name, value);
    },
  };
  const limits = { initial: { cpuMillicores: 256, memoryMib: 256, replicas: 0 } };
  const most = { cpuMillicores: 8_000, memoryMib: 16_384, replicas: 20 };
  const deps = {
    db: api.db,
    clock,
    log: silentLogger(),
    vault,
    notifier: { changed: () => assert.fail("nothing changed") },
    workflows: api.workflows,
    sizes: { ...limits, max: most },
    apps: { stopSecondsMax: 300, ephemeralStorageMibMax: 1_024, replicasMax: 20 },
    domains: undefined,
    domainsMax: 1,
  };
  const { workspaceId } = tenant;
  const caller: RootKeyPrincipal = {
    kind: "root_key",
    workspaceId: parseId("workspace", "workspace_id", workspaceId),
    keyId: "key_test",
    keyName: "",
    permissions: new Set(["*"]),
  };
  const wanted = decodeWanted(create(WantedEnvironmentSchema, WANTED));
  const before = await b.read();
  await assert.rejects(
    applyEnvironment(deps, caller, { ...where, wanted, fingerprint: "" }),
    /not the plan that was shown/,
  );
  assert.deepEqual(await b.read(), before);
});

Deno.test("an apply with scaling scales what runs, and the feed has the change", async () => {
  await using b = await bed();
  const wanted = { settings: { scaling: { max: 3, cpuPercent: 70 } } };
  const changes = async () =>
    (await b.api.db.kysely.selectFrom("state_changes").select("version").where("region", "=", "local.dev")
      .execute()).length;
  const before = await changes();
  await b.environments.applyEnvironment({ ...b.where, wanted });
  const scaled = await b.api.db.kysely.selectFrom("scaled_placements").select("settings")
    .where("deployment_id", "=", b.d2).execute();
  assert.deepEqual(scaled.map(({ settings }) => JSON.parse(settings)), [{ max: 3, cpuPercent: 70 }]);
  assert.ok(await changes() > before);
});

Deno.test("an apply that prunes removes settings and variables, and sets the idle end of previews", async () => {
  await using b = await bed();
  const { environments, admin } = b;
  const where = { ...b.where, environmentSlug: "preview" };
  await environments.setAppSettings({ ...where, settings: { port: 3000, stopSeconds: 20 } });
  await admin.setEnvironmentVariables({ ...where, variables: { KEPT: "1", OLD: "2" } });
  const wanted = {
    settings: { port: 4000 },
    requiredVariables: ["KEPT"],
    idleEndSeconds: 3_600n,
    prune: true,
  };
  const { plan } = await environments.applyEnvironment({ ...where, wanted });
  assert.deepEqual(made(plan), ["idleEnd", "port", "stopTimeout", "variables.OLD"]);
  const { variables } = await admin.listEnvironmentVariables(where);
  assert.deepEqual(variables.map(({ key }) => key), ["KEPT"]);
  const { settings } = await environments.getAppSettings(where);
  assert.deepEqual([settings?.port, settings?.stopSeconds], [4000, 0]);
});

Deno.test("plans and applies are refused alike, and change nothing", async (t) => {
  await using b = await bed();
  const { api, environments, admin, where } = b;
  const other = api.client(EnvironmentService, (await api.tenant("other")).rootKey);
  const keyWith = async (...actions: readonly string[]) => {
    const permissions = actions.map((action) => `project.${where.projectId}.${action}`);
    return api.client(EnvironmentService, (await admin.createRootKey({ permissions })).key);
  };
  const reader = await keyWith("read_deployment", "read_environment");
  const scaler = await keyWith("read_deployment", "read_environment", "scale_environment");
  const { InvalidArgument, NotFound, FailedPrecondition, PermissionDenied } = Code;
  const both = (name: string, request: object, code: Code, text: RegExp, client = environments) =>
    [
      [`plan: ${name}`, () => client.planEnvironment({ ...where, ...request }), code, text],
      [`apply: ${name}`, () => client.applyEnvironment({ ...where, ...request }), code, text],
    ] as const;
  const before = await b.read();
  await eachRefused(t, [
    ...both("another workspace's project", { wanted: {} }, NotFound, /Project .* was not found/, other),
    ...both("an environment that is not there", { environmentSlug: "qa", wanted: {} }, NotFound, /"qa"/),
    ...both("nothing wanted", {}, InvalidArgument, /wanted is required/),
    ...both("a port", { wanted: { settings: { port: 70_000 } } }, InvalidArgument, /port/),
    ...both("PORT", { wanted: { variables: { PORT: "1" } } }, InvalidArgument, /must not hold PORT/),
    ...both("half a scaling", { wanted: { settings: { scaling: { max: 3 } } } }, InvalidArgument, /scaling/),
    ...both("an idle end", { wanted: { idleEndSeconds: 60n } }, InvalidArgument, /must be 0 for production/),
    ...both("a protocol", { wanted: { appProtocol: "h3" } }, InvalidArgument, /"http1" or "h2c"/),
    ...both(
      "a missing variable",
      { wanted: { requiredVariables: ["A"] } },
      FailedPrecondition,
      /A must have/,
    ),
    ...both(
      "domains of none",
      { wanted: { domains: [{ domain: "a.example" }] } },
      FailedPrecondition,
      /operator/,
    ),
    ...both("values", { wanted: { variables: { A: "1" } } }, PermissionDenied, /variables/, scaler),
    [
      "apply: a reader",
      () => reader.applyEnvironment({ ...where, wanted: {} }),
      PermissionDenied,
      /scale_env/,
    ],
    [
      "apply: pruning variables",
      () => scaler.applyEnvironment({ ...where, wanted: { prune: true } }),
      PermissionDenied,
      /write_environment_variables/,
    ],
  ]);
  assert.deepEqual(await b.read(), before);
  await reader.planEnvironment({ ...where, wanted: { settings: { port: 1 } } });
});

Deno.test("an apply lets previews sleep at once, and leaves production as was set for it", async () => {
  await using b = await bed();
  const { environments, where, api, tenant } = b;
  const preview = { ...where, environmentSlug: "preview" };
  const wanted = { settings: { sleepSeconds: 600 } };
  const { plan } = await environments.planEnvironment({ ...preview, wanted });
  assert.deepEqual(made(plan), ["sleepAfter"]);
  const id = await runNew(api, tenant, { environment: "preview" });
  const again = await environments.planEnvironment({ ...preview, wanted });
  await environments.applyEnvironment({
    ...preview,
    wanted,
    fingerprint: again.plan?.fingerprint ?? "",
  });
  assert.deepEqual((await listSleeps(api.db.kysely, [id])).map((row) => row.after_seconds), [600]);
  assert.deepEqual(made((await environments.planEnvironment({ ...preview, wanted })).plan), []);
  assert.deepEqual(made((await environments.planEnvironment({ ...where, wanted })).plan), []);
  await environments.setAppSettings({ ...where, settings: { sleepSeconds: 3_600 } });
  const prune = { ...wanted, prune: true };
  assert.deepEqual(made((await environments.planEnvironment({ ...where, wanted: prune })).plan), []);
});
