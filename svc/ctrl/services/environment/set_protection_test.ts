import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { EnvironmentService } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { FrontlineService } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { findEnvironmentBySlug } from "../../internal/store/mod.ts";
import { deployImage, eachRefused, refused, startApi, type Tenant, type TestApi } from "../testing.ts";
import { route } from "../testing_agents.ts";

const PASSWORD = "correct horse battery";

async function idOf(api: TestApi, { workspaceId, projectId }: Tenant, slug: string): Promise<string> {
  return (await findEnvironmentBySlug(api.db.kysely, workspaceId, projectId, slug))?.id ?? "";
}

Deno.test("the password of all previews covers environments that come later, and gives way to their own", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { projectId, rootKey } = tenant;
  const client = api.client(EnvironmentService, rootKey);
  const state = async () => {
    const { environments } = await api.client(AdminService, rootKey).listEnvironments({ projectId });
    return environments.map(({ slug, protection }) => `${slug} ${protection}`);
  };
  const set = (environmentSlug: string, value: string | undefined) =>
    client.setProtection({
      projectId,
      environmentSlug,
      change: value === undefined ? { case: "off", value: true } : { case: "password", value },
    });
  await set("", PASSWORD);
  await client.createEnvironment({ projectId, slug: "qa" });
  assert.deepEqual(await state(), ["preview 2", "production 0", "qa 2"]);
  await set("qa", `${PASSWORD} of qa`);
  await set("production", `${PASSWORD} of production`);
  assert.deepEqual(await state(), ["preview 2", "production 1", "qa 1"]);
  await set("qa", undefined);
  assert.deepEqual(await state(), ["preview 2", "production 1", "qa 0"]);
  await set("", PASSWORD);
  assert.deepEqual(await state(), ["preview 2", "production 1", "qa 2"]);
  await set("", undefined);
  assert.deepEqual(await state(), ["preview 0", "production 1", "qa 0"]);

  const edge = api.client(FrontlineService, await api.regionToken("*"));
  const isRight = async (slug: string, password: string) =>
    (await edge.checkPassword({ environmentId: await idOf(api, tenant, slug), password })).right;
  assert.equal(await isRight("production", `${PASSWORD} of production`), true);
  assert.equal(await isRight("production", PASSWORD), false);
  assert.equal(await isRight("preview", PASSWORD), false);
});

Deno.test("a password is stored as a slow hash only, and neither it nor a key is shown or logged", async () => {
  await using api = await startApi();
  const { projectId, rootKey } = await api.tenant("acme");
  const client = api.client(EnvironmentService, rootKey);
  await client.setProtection({ projectId, change: { case: "password", value: PASSWORD } });
  const rows = await api.db.kysely.selectFrom("protections").selectAll().execute();
  assert.match(rows[0]?.password_hash ?? "", /^scrypt\$14\$8\$5\$/);
  const audit = await api.db.kysely.selectFrom("audit_log").selectAll().execute();
  const act = audit.find(({ action }) => action === "environment.protect");
  assert.equal(act?.facts, '{"environment":"all previews"}');
  for (const secret of [PASSWORD, rows[0]?.sealed_key ?? ""]) {
    assert.ok(!JSON.stringify([audit, api.lines]).includes(secret));
  }
});

Deno.test("a link is made for what is protected and has a host name", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { projectId, rootKey } = tenant;
  const client = api.client(EnvironmentService, rootKey);
  const id = await deployImage(api, tenant, "preview");
  const preview = { projectId, target: { case: "environmentSlug", value: "preview" } } as const;
  await refused(client.createShareLink(preview), Code.FailedPrecondition, /is not protected/);
  await client.setProtection({ projectId, change: { case: "password", value: PASSWORD } });
  await refused(client.createShareLink(preview), Code.FailedPrecondition, /Nothing has a URL/);
  await route(api, tenant, "one.test", id);
  const deployment = { projectId, target: { case: "deploymentId", value: id } } as const;
  const link = await client.createShareLink({ ...deployment, validSeconds: 60n });
  assert.match(link.urls.join(), /^http:\/\/one\.test:7070\/\?unkey_share=d\d+\.[\w-]{43}$/);
  const other = await api.tenant("other");
  const stranger = api.client(EnvironmentService, other.rootKey);
  await eachRefused(t, [
    [
      "an hour less",
      () => client.createShareLink({ ...deployment, validSeconds: 59n }),
      Code.InvalidArgument,
      /60/,
    ],
    [
      "a year",
      () => client.createShareLink({ ...deployment, validSeconds: 31_536_000n }),
      Code.InvalidArgument,
      /60/,
    ],
    ["no target", () => client.createShareLink({ projectId }), Code.InvalidArgument, /target/],
    ["a stranger's project", () => stranger.createShareLink(deployment), Code.NotFound, /Project/],
    [
      "a stranger's deployment",
      () => stranger.createShareLink({ ...deployment, projectId: other.projectId }),
      Code.NotFound,
      /Deployment/,
    ],
  ]);
  const { deployment: shown } = await api.client(DeploymentService, rootKey).getDeployment({
    deploymentId: id,
  });
  assert.equal(shown?.protected, true);
});

Deno.test("a protection is refused with a password that is none, and to callers without the permission", async (t) => {
  await using api = await startApi();
  const { projectId, rootKey } = await api.tenant("acme");
  const client = api.client(EnvironmentService, rootKey);
  const { key } = await api.client(AdminService, rootKey).createRootKey({
    permissions: [`project.${projectId}.scale_environment`],
  });
  const weak = api.client(EnvironmentService, key);
  const stranger = api.client(EnvironmentService, (await api.tenant("other")).rootKey);
  const password = (value: string) => ({ projectId, change: { case: "password" as const, value } });
  await eachRefused(t, [
    ["a short one", () => client.setProtection(password("1234567")), Code.InvalidArgument, /at least 8/],
    ["a long one", () => client.setProtection(password("x".repeat(257))), Code.InvalidArgument, /256 bytes/],
    ["no change", () => client.setProtection({ projectId }), Code.InvalidArgument, /generate or off/],
    [
      "an unknown environment",
      () => client.setProtection({ ...password(PASSWORD), environmentSlug: "none" }),
      Code.NotFound,
      /It has: preview, production/,
    ],
    ["a stranger", () => stranger.setProtection(password(PASSWORD)), Code.NotFound, /Project/],
    [
      "a weak key",
      () => weak.setProtection(password(PASSWORD)),
      Code.PermissionDenied,
      /protect_environment/,
    ],
    [
      "nothing to revoke",
      () => client.revokeShareLinks({ projectId }),
      Code.FailedPrecondition,
      /Nothing is/,
    ],
  ]);
});

Deno.test("the control plane looks at few passwords of an environment at a time", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const client = api.client(EnvironmentService, tenant.rootKey);
  await client.setProtection({
    projectId: tenant.projectId,
    change: { case: "password", value: PASSWORD },
  });
  const environmentId = await idOf(api, tenant, "preview");
  const edge = api.client(FrontlineService, await api.regionToken("*"));
  const guesses = await Promise.allSettled(
    Array.from({ length: 12 }, () => edge.checkPassword({ environmentId, password: "a guess" })),
  );
  const refusedOnes = guesses.filter(({ status }) => status === "rejected");
  assert.ok(refusedOnes.length > 0 && refusedOnes.length < 12, String(refusedOnes.length));
  assert.equal((await edge.checkPassword({ environmentId, password: PASSWORD })).right, true);
});
