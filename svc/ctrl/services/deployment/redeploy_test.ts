import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { decodeStringMap } from "../../internal/json.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { findDeployment, releaseImage, setImage, type Tx } from "../../internal/store/mod.ts";
import { openTestDatabase } from "../../internal/store/testing.ts";
import { clock, deployImage, move, refused, startApi, type Tenant, type TestApi } from "../testing.ts";
import { setLive } from "../testing_lifecycle.ts";

/** A deployment whose image was built from an uploaded folder. */
async function deployFolder(api: TestApi, tenant: Tenant): Promise<string> {
  const client = api.client(DeploymentService, tenant.rootKey);
  const { uploadUrl, buildContextPath } = await client.createS3UploadURL({
    unkeyProjectId: tenant.projectId,
  });
  await (await fetch(uploadUrl, { method: "PUT", body: "x" })).body?.cancel();
  const { deploymentId } = await client.createDeployment({
    projectId: tenant.projectId,
    environmentSlug: "preview",
    branch: "feature/x",
    source: { case: "buildContext", value: { buildContextPath, dockerfilePath: "app/Dockerfile" } },
    gitCommit: { commitSha: "0a1b2c3", commitMessage: "hello", authorHandle: "ada" },
    command: ["serve"],
    port: 3000,
    healthCheckPath: "/health",
  });
  return deploymentId;
}

const BUILT = "registry.example/shop@sha256:0a1b";

async function built(api: TestApi, id: string): Promise<void> {
  await setImage(api.db.kysely, { id, image: BUILT, buildId: "b_1", nowMs: clock.now() });
  await move(api, id, "ready");
}

Deno.test("a redeploy copies image, commit and settings, and takes the current variables", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const client = api.client(DeploymentService, tenant.rootKey);
  const admin = api.client(AdminService, tenant.rootKey);
  const first = await deployFolder(api, tenant);
  await built(api, first);
  const where = { projectId: tenant.projectId, environmentSlug: "preview" };
  await admin.setEnvironmentVariables({ ...where, variables: { TOKEN: "new" } });
  const { deploymentId } = await client.createDeployment({ redeployOf: first });
  const [before, after] = [
    await findDeployment(api.db.kysely, first),
    await findDeployment(api.db.kysely, deploymentId),
  ];
  assert.ok(before !== undefined && after !== undefined);
  const own = {
    id: deploymentId,
    redeploy_of: first,
    build_id: null,
    image_built_at: null,
    status: "pending",
    k8s_name: after.k8s_name,
    sequence: before.sequence + 1,
    submitted_at: after.submitted_at,
    next_event_sequence: after.next_event_sequence,
    created_at: after.created_at,
    updated_at: after.updated_at,
    ended_at: null,
    encrypted_environment_variables: after.encrypted_environment_variables,
  };
  assert.deepEqual(after, { ...before, ...own });
  assert.deepEqual(Object.keys(decodeStringMap(after.encrypted_environment_variables)), ["TOKEN"]);
  assert.deepEqual(decodeStringMap(before.encrypted_environment_variables), {});
  const { deployment } = await client.getDeployment({ deploymentId });
  assert.deepEqual([deployment?.redeployOf, deployment?.rootfsImageId], [first, BUILT]);
  const [entry] = (await admin.listAuditLog({ deploymentId })).entries;
  assert.equal(entry?.action, "deployment.redeploy");
  assert.equal(JSON.parse(entry?.factsJson ?? "").of, first);
});

Deno.test("a redeploy to another environment of the project takes the variables of that one", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const client = api.client(DeploymentService, tenant.rootKey);
  const first = await deployFolder(api, tenant);
  await built(api, first);
  const { deploymentId } = await client.createDeployment({
    redeployOf: first,
    environmentSlug: "production",
  });
  const { deployment } = await client.getDeployment({ deploymentId });
  assert.deepEqual([deployment?.environmentSlug, deployment?.rootfsImageId], ["production", BUILT]);
});

Deno.test("a redeploy is refused with what to do instead", async () => {
  await using api = await startApi();
  const [tenant, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const client = api.client(DeploymentService, tenant.rootKey);
  const unbuilt = await deployFolder(api, tenant);
  const redeploy = (request: object) => client.createDeployment({ redeployOf: unbuilt, ...request });
  await refused(redeploy({}), Code.FailedPrecondition, /has no image.*"unkey deploy" builds one/);
  await refused(redeploy({ redeployOf: "d_missing" }), Code.NotFound, /"d_missing" was not found/);
  await refused(redeploy({ redeployOf: "x" }), Code.InvalidArgument, /^redeploy_of must look like/);
  const foreign = await deployImage(api, other);
  await refused(redeploy({ redeployOf: foreign }), Code.NotFound, /was not found/);
  const source = { case: "dockerImage", value: "nginx:1.29" };
  for (
    const given of [{ source }, { branch: "x" }, { command: ["x"] }, { port: 1 }, { healthCheckPath: "/" }]
  ) {
    await refused(redeploy(given), Code.InvalidArgument, /leave one of the two out/);
  }
  await built(api, unbuilt);
  const { project } = await api.client(AdminService, tenant.rootKey).createProject({ slug: "blog" });
  await refused(redeploy({ projectId: project?.id ?? "" }), Code.InvalidArgument, /another project/);
  await refused(redeploy({ environmentSlug: "qa" }), Code.NotFound, /It has: preview, production/);
});

/** Otherwise the new deployment would name an image that is about to go. */
Deno.test("a redeploy is refused when its image is released between the check and the transaction", async () => {
  const real = await openTestDatabase();
  let before: (() => Promise<unknown>) | undefined;
  const kysely = new Proxy(real.kysely, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === "transaction" && before !== undefined) {
        const first = before;
        before = undefined;
        const execute = async (fn: (tx: Tx) => Promise<unknown>) => {
          await first();
          return await real.kysely.transaction().execute(fn);
        };
        return () => ({ execute });
      }
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  try {
    await using api = await startApi(undefined, { ...real, kysely });
    const tenant = await api.tenant("acme");
    const client = api.client(DeploymentService, tenant.rootKey);
    const id = await deployFolder(api, tenant);
    await built(api, id);
    await move(api, id, "stopped");
    const given = { image: BUILT, notice: "gone", nowMs: clock.now() };
    before = async () => assert.deepEqual(await transact(real, (tx) => releaseImage(tx, given)), [id]);
    await refused(client.createDeployment({ redeployOf: id }), Code.FailedPrecondition, /was removed/);
    assert.equal((await client.listDeployments({})).deployments.length, 1);
  } finally {
    await real.close();
  }
});

Deno.test("a deployment without its image says so, and cannot be redeployed, started or promoted", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const client = api.client(DeploymentService, tenant.rootKey);
  const id = await deployFolder(api, tenant);
  await built(api, id);
  await move(api, id, "stopped");
  const given = { image: BUILT, notice: "gone", nowMs: clock.now() };
  assert.deepEqual(await transact(api.db, (tx) => releaseImage(tx, given)), [id]);
  const { deployment } = await client.getDeployment({ deploymentId: id });
  assert.equal(deployment?.imageRemoved, true);
  const { deployments } = await client.listDeployments({ projectId: tenant.projectId });
  assert.deepEqual(deployments.map((each) => each.imageRemoved), [true]);
  const text = /image of deployment d_\w+ was removed.*git checkout 0a1b2c3/;
  await refused(client.createDeployment({ redeployOf: id }), Code.FailedPrecondition, text);
  await refused(client.startDeployment({ deploymentId: id }), Code.FailedPrecondition, text);
  const preview = (await findDeployment(api.db.kysely, id))?.environment_id ?? "";
  await setLive(api, preview, undefined, await deployImage(api, tenant, "preview"));
  await refused(client.promote({ targetDeploymentId: id }), Code.FailedPrecondition, text);
  await refused(client.rollback({ targetDeploymentId: id }), Code.FailedPrecondition, text);
});

Deno.test("a redeploy of an older version's deployment keeps its port, and takes no check of the image", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const client = api.client(DeploymentService, tenant.rootKey);
  const first = await deployFolder(api, tenant);
  await built(api, first);
  const older = { app_settings: null, health_check_path: "", port: 8080, command: "[]" };
  await api.db.kysely.updateTable("deployments").set(older).where("id", "=", first).execute();
  const { deploymentId } = await client.createDeployment({ redeployOf: first });
  const row = await findDeployment(api.db.kysely, deploymentId);
  assert.deepEqual(JSON.parse(row?.app_settings ?? "{}"), {
    own: { port: 8080, healthCheck: { kind: "port" }, init: false },
    environment: {},
  });
});
