import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { checkedFetch } from "../../api/rest/testing.ts";
import { type BuildContextSchema, DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { openBuildSecrets } from "../../internal/builds/mod.ts";
import { findBuildInputs, findDeployment } from "../../internal/store/mod.ts";
import { refused, startApi, type TestApi, uploadContext, vaultOf } from "../testing.ts";

type Context = Exclude<MessageInitShape<typeof BuildContextSchema>, { readonly $typeName: string }>;

const DOCKERFILE = "FROM scratch\n";
const SETTINGS = {
  arguments: { BASE: "node:20" },
  target: "prod",
  noCache: true,
  pull: true,
  platform: "linux/amd64",
  variableArguments: ["NEXT_PUBLIC_X"],
};
const SECRET = "hunter2";

async function secretsOf(
  api: TestApi,
  deploymentId: string,
): Promise<readonly (readonly [string, string])[]> {
  const row = await findDeployment(api.db.kysely, deploymentId);
  const { sealedSecrets = {} } = await findBuildInputs(api.db.kysely, deploymentId) ?? {};
  const owner = { environmentId: row?.environment_id ?? "", deploymentId };
  const opened = await openBuildSecrets(vaultOf(api), owner, sealedSecrets);
  return Array.from(opened, ([id, bytes]) => [id, new TextDecoder().decode(bytes)]);
}

Deno.test("RPC and REST take the Dockerfile and the options of a build, and seal its secrets", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const context = await uploadContext(api, tenant);
  const place = { projectId: tenant.projectId, environmentSlug: "preview", branch: "main" };
  const encoder = new TextEncoder();
  const { deploymentId: byRpc } = await api.client(DeploymentService, tenant.rootKey).createDeployment({
    ...place,
    source: {
      case: "buildContext",
      value: {
        buildContextPath: context,
        dockerfilePath: "api.Dockerfile",
        dockerfile: encoder.encode(DOCKERFILE),
        settings: { ...SETTINGS, secrets: { token: encoder.encode(SECRET) } },
      },
    },
  });
  const response = await checkedFetch(`${api.url}/v2/deploy.createDeployment`, {
    method: "POST",
    headers: { authorization: `Bearer ${tenant.rootKey}` },
    body: JSON.stringify({
      ...place,
      // A second build of the same branch would end the first, and remove its secrets.
      branch: "other",
      build: {
        context,
        dockerfile: "api.Dockerfile",
        dockerfileContent: DOCKERFILE,
        ...SETTINGS,
        secrets: { token: SECRET },
      },
    }),
  });
  const { data: { deploymentId: byRest } } = await response.json();
  for (const id of [byRpc, byRest]) {
    const inputs = await findBuildInputs(api.db.kysely, id);
    assert.deepEqual(inputs?.settings, SETTINGS);
    assert.equal(new TextDecoder().decode(inputs?.dockerfile), DOCKERFILE);
    assert.equal((await findDeployment(api.db.kysely, id))?.dockerfile_path, "api.Dockerfile");
    assert.ok(!JSON.stringify(inputs).includes(SECRET));
    assert.deepEqual(await secretsOf(api, id), [["token", SECRET]]);
  }
  assert.ok(!api.lines.join("").includes(SECRET));
});

/** The largest request that the limits allow must not be refused by the limits of its transport. */
Deno.test("RPC and REST take a request at the limits of every build setting", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const context = await uploadContext(api, tenant);
  const place = { projectId: tenant.projectId, environmentSlug: "preview", branch: "main" };
  const dockerfile = `${"#".repeat(62)}\n"`.repeat(8 * 1024);
  const secrets = { a: "\n".repeat(256 * 1024), b: "\n".repeat(256 * 1024) };
  const values = Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`N${at}`, "x".repeat(16_000)]));
  const encoder = new TextEncoder();
  await api.client(DeploymentService, tenant.rootKey).createDeployment({
    ...place,
    source: {
      case: "buildContext",
      value: {
        buildContextPath: context,
        dockerfile: encoder.encode(dockerfile),
        settings: {
          arguments: values,
          secrets: { a: encoder.encode(secrets.a), b: encoder.encode(secrets.b) },
        },
      },
    },
  });
  const response = await checkedFetch(`${api.url}/v2/deploy.createDeployment`, {
    method: "POST",
    headers: { authorization: `Bearer ${tenant.rootKey}` },
    body: JSON.stringify({
      ...place,
      build: { context, dockerfileContent: dockerfile, arguments: values, secrets },
    }),
  });
  assert.equal(response.status, 201, await response.text());
});

Deno.test("clients that send an archive alone keep working", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const buildContextPath = await uploadContext(api, tenant);
  const { deploymentId } = await api.client(DeploymentService, tenant.rootKey).createDeployment({
    projectId: tenant.projectId,
    environmentSlug: "preview",
    source: { case: "buildContext", value: { buildContextPath, dockerfilePath: "app/Dockerfile" } },
  });
  const inputs = await findBuildInputs(api.db.kysely, deploymentId);
  assert.equal(inputs?.dockerfile, undefined);
  assert.deepEqual(inputs?.settings.arguments, {});
  assert.equal((await findDeployment(api.db.kysely, deploymentId))?.dockerfile_path, "app/Dockerfile");
});

Deno.test("an idempotency key is refused when it is sent again with other build settings", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const client = api.client(DeploymentService, tenant.rootKey);
  const buildContextPath = await uploadContext(api, tenant);
  const settings = {
    arguments: { A: "1", B: "2" },
    secrets: { x: new Uint8Array([1]), y: new Uint8Array([2]) },
  };
  const context = { buildContextPath, dockerfile: new TextEncoder().encode(DOCKERFILE), settings };
  const create = (value: Context) =>
    client.createDeployment({
      projectId: tenant.projectId,
      environmentSlug: "preview",
      source: { case: "buildContext", value },
      idempotencyKey: "once",
    });
  const { deploymentId } = await create(context);
  const reordered = {
    arguments: { B: "2", A: "1" },
    secrets: { y: new Uint8Array([2]), x: new Uint8Array([1]) },
  };
  assert.equal((await create({ ...context, settings: reordered })).deploymentId, deploymentId);
  const changes: Readonly<Record<string, Context>> = {
    "Dockerfile": { dockerfile: new Uint8Array([1]) },
    "argument": { settings: { ...settings, arguments: { A: "1", B: "3" } } },
    "secret": { settings: { ...settings, secrets: { x: new Uint8Array([1]), y: new Uint8Array([3]) } } },
    "target": { settings: { ...settings, target: "x" } },
    "no_cache": { settings: { ...settings, noCache: true } },
    "pull": { settings: { ...settings, pull: true } },
    "platform": { settings: { ...settings, platform: "linux/arm64" } },
    "variable": { settings: { ...settings, variableArguments: ["X"] } },
  };
  for (const [name, change] of Object.entries(changes)) {
    await t.step(`another ${name}`, async () => {
      await refused(create({ ...context, ...change }), Code.InvalidArgument, /with another request/);
    });
  }
});
