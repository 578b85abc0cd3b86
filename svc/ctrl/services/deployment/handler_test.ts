import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { encodeStatus } from "./encode.ts";
import { deployImage, failure, move, next, place, refused, startApi } from "../testing.ts";
import { setUpLife } from "../testing_lifecycle.ts";

Deno.test("another workspace's deployment answers like one that does not exist", async () => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const foreign = await deployImage(api, other);
  const client = api.client(DeploymentService, own.rootKey);
  const missing = "d_missing";
  const calls = {
    get: (id: string) => client.getDeployment({ deploymentId: id }),
    cancel: (id: string) => client.cancelDeployment({ deploymentId: id }),
    promote: (id: string) => client.promote({ targetDeploymentId: id }),
    rollback: (id: string) => client.rollback({ sourceDeploymentId: id, targetDeploymentId: id }),
    planPromote: (id: string) => client.planPromote({ targetDeploymentId: id }),
    planRollback: (id: string) => client.planRollback({ targetDeploymentId: id }),
    stop: (id: string) => client.stopDeployment({ deploymentId: id }),
    start: (id: string) => client.startDeployment({ deploymentId: id }),
    watch: (id: string) => next(client.watchDeploymentEvents({ deploymentId: id })[Symbol.asyncIterator]()),
    logs: (id: string) => next(client.streamInstanceLogs({ deploymentId: id })[Symbol.asyncIterator]()),
  };
  for (const [name, call] of Object.entries(calls)) {
    const [hidden, absent] = [await failure(call(foreign)), await failure(call(missing))];
    assert.equal(hidden.code, Code.NotFound, name);
    assert.equal(hidden.rawMessage.replaceAll(foreign, missing), absent.rawMessage, name);
  }
  assert.deepEqual((await client.listDeployments({})).deployments, []);
});

/** Encoded answers are cached by deployment, never past the check of the caller. */
Deno.test("a cached answer goes to permitted callers only, and only while nothing has changed", async () => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const id = await deployImage(api, own);
  const admin = api.client(AdminService, own.rootKey);
  const { project } = await admin.createProject({ slug: "blog" });
  const { key } = await admin.createRootKey({ permissions: [`project.${project?.id}.read_deployment`] });
  const get = (rootKey: string) => api.client(DeploymentService, rootKey).getDeployment({ deploymentId: id });
  const first = await get(own.rootKey);
  assert.deepEqual(await get(own.rootKey), first);
  await refused(get(other.rootKey), Code.NotFound, /was not found/);
  await refused(get(key), Code.PermissionDenied, /read_deployment/);
  for (const status of ["deploying", "network"] as const) {
    await move(api, id, status);
    const { deployment } = await get(own.rootKey);
    assert.equal(deployment?.status, encodeStatus(status));
  }
  await place(api, own, id);
  assert.equal((await get(own.rootKey)).deployment?.desiredInstances, 1);
});

Deno.test("each operation needs its own permission", async () => {
  await using api = await startApi();
  const { tenant, d1 } = await setUpLife(api);
  const { key } = await api.client(AdminService, tenant.rootKey)
    .createRootKey({ permissions: ["project.*.cancel_deployment", "project.*.read_deployment"] });
  const weak = api.client(DeploymentService, key);
  const calls = [
    weak.promote({ targetDeploymentId: d1 }),
    weak.planPromote({ targetDeploymentId: d1 }),
    weak.rollback({ targetDeploymentId: d1 }),
    weak.planRollback({ targetDeploymentId: d1 }),
    weak.stopDeployment({ deploymentId: d1 }),
    weak.startDeployment({ deploymentId: d1 }),
  ];
  for (const call of calls) assert.equal((await failure(call)).code, Code.PermissionDenied);
});
