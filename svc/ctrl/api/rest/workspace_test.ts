/** The routes of projects, environments, variables, keys, registries and the workspace: as the RPCs, with their audit. */
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { deployImage, startApi } from "../../services/testing.ts";
import { callRest } from "./testing.ts";

Deno.test("REST creates projects and environments, lists them and deletes an environment", async () => {
  await using api = await startApi();
  const { rootKey } = await api.tenant("acme");
  const call = (route: string, body: object) => callRest(api.url, route, body, rootKey);
  const project = await call("createProject", { slug: "store", name: "The store" });
  assert.partialDeepStrictEqual(project.data, { slug: "store", name: "The store", defaultBranch: "main" });
  assert.equal(project.status, 201);
  const again = await call("createProject", { slug: "store" });
  assert.deepEqual([again.status, again.type], [409, "data/conflict"]);
  const projects = await call("listProjects", {});
  assert.deepEqual([projects.at("projects", 0, "slug"), projects.at("projects", 1, "slug")], [
    "shop",
    "store",
  ]);
  const where = { projectId: project.data["id"], environmentSlug: "staging" };
  const made = await call("createEnvironment", { projectId: where.projectId, slug: "staging" });
  assert.deepEqual([made.status, /^env_/.test(String(made.data["environmentId"]))], [201, true]);
  const idle = await call("setIdleEnd", { ...where, seconds: 3_600 });
  assert.deepEqual(idle.data, { seconds: 3_600 });
  const listed = await call("listEnvironments", { projectId: where.projectId });
  assert.equal(listed.at("environments", 2, "idleEndSeconds"), 3_600);
  assert.deepEqual((await call("deleteEnvironment", where)).data, { stoppedDeploymentIds: [] });
  const gone = await call("setIdleEnd", { ...where, seconds: 1 });
  assert.deepEqual([gone.status, gone.type], [404, "data/environment_not_found"]);
  const kept = await call("deleteEnvironment", { ...where, environmentSlug: "production" });
  assert.deepEqual([kept.status, kept.type], [412, "application/precondition_failed"]);
  const actions = await call("listAuditLog", { projectId: where.projectId, limit: 4 });
  assert.deepEqual([0, 1, 2, 3].map((row) => actions.at("entries", row, "action")), [
    "environment.delete",
    "environment.set_idle_end",
    "environment.create",
    "project.create",
  ]);
});

Deno.test("REST sets variables, names them without their values, and removes them", async () => {
  await using api = await startApi();
  const { projectId, rootKey } = await api.tenant("acme");
  const call = (route: string, body: object) =>
    callRest(api.url, route, { projectId, environmentSlug: "production", ...body }, rootKey);
  const set = await call("setVariables", { variables: { TOKEN: "secret-value", MODE: "fast" } });
  assert.deepEqual([set.status, set.data], [200, {}]);
  const listed = await call("listVariables", {});
  assert.deepEqual([listed.at("variables", 0, "name"), listed.at("variables", 1, "name")], ["MODE", "TOKEN"]);
  assert.doesNotMatch(JSON.stringify(listed.data), /secret-value/);
  assert.deepEqual((await call("removeVariable", { name: "MODE" })).data, { removed: true });
  assert.deepEqual((await call("removeVariable", { name: "MODE" })).data, { removed: false });
  const port = await call("setVariables", { variables: { PORT: "1" } });
  assert.deepEqual([port.status, /PORT/.test(port.detail)], [400, true]);
  const large = await call("setVariables", { variables: { BIG: "x".repeat(70_000) } });
  assert.deepEqual([large.status, large.type], [413, "application/payload_too_large"]);
});

Deno.test("REST makes narrower keys, lists them and revokes them", async () => {
  await using api = await startApi();
  const { rootKey, workspaceId } = await api.tenant("acme");
  const call = (route: string, body: object, key = rootKey) => callRest(api.url, route, body, key);
  const ci = await call("createRootKey", { name: "ci", permissions: ["project.*.read_project"] });
  assert.equal(ci.status, 201);
  const key = String(ci.data["key"]);
  const self = await call("whoAmI", {}, key);
  assert.deepEqual(self.data, {
    workspaceId,
    workspaceSlug: "acme",
    keyId: ci.data["keyId"],
    permissions: ["project.*.read_project"],
  });
  const listed = await call("listRootKeys", {});
  assert.deepEqual(listed.at("keys", 1, "name"), "ci");
  assert.ok(!JSON.stringify(listed.data).includes(key));
  assert.equal((await call("createRootKey", { permissions: ["*"] }, key)).status, 403);
  assert.equal((await call("createRootKey", { permissions: ["fly"] })).status, 400);
  assert.deepEqual((await call("revokeRootKey", { keyId: ci.data["keyId"] })).data, {});
  assert.equal((await call("revokeRootKey", { keyId: ci.data["keyId"] })).status, 404);
  const last = await call("revokeRootKey", { keyId: (await call("whoAmI", {})).data["keyId"] });
  assert.deepEqual([last.status, last.type], [412, "application/precondition_failed"]);
});

Deno.test("REST keeps credentials for registries, and never shows the secret", async () => {
  await using api = await startApi();
  const { rootKey } = await api.tenant("acme");
  const call = (route: string, body: object) => callRest(api.url, route, body, rootKey);
  const added = await call("addRegistry", { host: "GHCR.io", username: "acme", secret: "hush-hush" });
  assert.deepEqual([added.at("registry", "host"), added.data["replaced"]], ["ghcr.io", false]);
  const listed = await call("listRegistries", {});
  assert.deepEqual(listed.at("registries", 0, "username"), "acme");
  assert.doesNotMatch(JSON.stringify([added.data, listed.data]), /hush-hush/);
  assert.deepEqual((await call("removeRegistry", { host: "ghcr.io" })).data, {
    host: "ghcr.io",
    removed: true,
  });
  assert.equal((await call("removeRegistry", { host: "not a host" })).status, 400);
});

Deno.test("REST shows limits, regions and the audit log of the own workspace, in pages", async () => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  await deployImage(api, own);
  await deployImage(api, other);
  const call = (route: string, body: object) => callRest(api.url, route, body, own.rootKey);
  const limits = await call("listLimits", {});
  const rows = limits.data["limits"];
  const projects = Array.isArray(rows) ? rows.find(({ name }) => name === "projects") : undefined;
  assert.deepEqual([projects?.used, projects?.isSet], [1, false]);
  assert.equal((await call("getStatus", {})).at("regions", 0, "region"), "local.dev");
  const ids: unknown[] = [];
  let cursor: unknown;
  do {
    const page = await call("listAuditLog", { limit: 1, ...(cursor === undefined ? {} : { cursor }) });
    ids.push(page.at("entries", 0, "action"));
    cursor = page.data["cursor"];
  } while (cursor !== undefined);
  const audit = await api.client(AdminService, own.rootKey).listAuditLog({});
  assert.deepEqual(ids, audit.entries.map(({ action }) => action));
  const bad = await call("listAuditLog", { cursor: "nonsense" });
  assert.deepEqual([bad.status, bad.type], [400, "application/invalid_input"]);
});
