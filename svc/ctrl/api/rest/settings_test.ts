/** Settings of apps by REST: what is set is read again, and holds for what is deployed. */
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { startApi, type TestApi } from "../../services/testing.ts";
import { checkedFetch } from "./testing.ts";

const TYPES = "https://unkey.com/docs/errors/unkey/";
const APP = {
  port: 3000,
  command: ["node", "server.js"],
  healthCheck: {
    kind: "http",
    path: "/up",
    method: "HEAD",
    host: "shop.example",
    headers: { "x-probe": "1" },
    expectedStatus: "200,401",
    intervalSeconds: 2,
    timeoutSeconds: 3,
    unhealthySeconds: 4,
    restartSeconds: 30,
  },
  startSeconds: 90,
  stopSignal: "SIGQUIT",
  stopSeconds: 20,
  ephemeralStorageMib: 512,
  regions: ["eu-1"],
  init: false,
  openapiPath: "/openapi.json",
  releaseCommand: ["npm", "run", "migrate"],
  releaseSeconds: 120,
};

async function post(api: TestApi, route: string, body: unknown, key: string) {
  const response = await checkedFetch(`${api.url}/v2/deploy.${route}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });
  const answer: {
    readonly data?: Readonly<Record<string, unknown>>;
    readonly error?: { readonly type: string; readonly detail: string };
  } = await response.json();
  return { status: response.status, data: answer.data ?? {}, error: answer.error };
}

Deno.test("REST sets, forgets and reads the settings of an environment", async () => {
  await using api = await startApi();
  const { projectId, rootKey } = await api.tenant("acme");
  const where = { projectId, environmentSlug: "production" };
  const nothing = await post(api, "getAppSettings", where, rootKey);
  assert.deepEqual([nothing.status, nothing.data["settings"]], [200, {}]);
  const set = await post(api, "setAppSettings", { ...where, settings: APP }, rootKey);
  assert.deepEqual([set.status, set.data], [200, { settings: APP }]);
  const sized = await post(api, "setSize", { ...where, size: { memoryMib: 512, replicas: 2 } }, rootKey);
  const size = sized.data["size"];
  assert.ok(typeof size === "object" && size !== null && "memoryMib" in size && "replicas" in size);
  assert.deepEqual([sized.status, size.memoryMib, size.replicas], [200, 512, 2]);
  assert.deepEqual((await post(api, "getAppSettings", where, rootKey)).data, { settings: APP, size });
  const forgotten = await post(api, "setAppSettings", {
    ...where,
    reset: ["*"],
    settings: { port: 4000 },
  }, rootKey);
  assert.deepEqual(forgotten.data, { settings: { port: 4000 } });
  const reset = await post(api, "setSize", { ...where, reset: true }, rootKey);
  assert.equal((reset.data["size"] as { memoryMib: number }).memoryMib, 256);
});

Deno.test("REST deploys with settings of its own above those of the environment, and shows both", async () => {
  await using api = await startApi();
  const { projectId, rootKey } = await api.tenant("acme");
  const where = { projectId, environmentSlug: "production" };
  await post(api, "setAppSettings", { ...where, settings: { port: 3000, stopSeconds: 20 } }, rootKey);
  const created = await post(api, "createDeployment", {
    ...where,
    branch: "main",
    image: "nginx:1",
    app: { port: 4000, healthCheck: { kind: "none" } },
  }, rootKey);
  assert.equal(created.status, 201, JSON.stringify(created));
  const { deploymentId } = created.data;
  const shown = await post(api, "getDeployment", { deploymentId }, rootKey);
  assert.deepEqual(shown.data["app"], { port: 4000, stopSeconds: 20, healthCheck: { kind: "none" } });
});

Deno.test("REST refuses settings that are not allowed, and changes nothing", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const other = await api.tenant("globex");
  const { key: reader } = await api.client(AdminService, tenant.rootKey)
    .createRootKey({ permissions: ["project.*.read_deployment"] });
  const where = { projectId: tenant.projectId, environmentSlug: "production" };
  const invalid = [400, "application/invalid_input"] as const;
  const cases: readonly [string, string, unknown, string, number, string][] = [
    ["an unknown setting", "setAppSettings", { ...where, settings: { gpu: 1 } }, tenant.rootKey, ...invalid],
    ["a port of 0", "setAppSettings", { ...where, settings: { port: 0 } }, tenant.rootKey, ...invalid],
    ["a port beyond", "setAppSettings", { ...where, settings: { port: 70_000 } }, tenant.rootKey, ...invalid],
    [
      "times of no check",
      "setAppSettings",
      { ...where, settings: { healthCheck: { kind: "none", intervalSeconds: 1 } } },
      tenant.rootKey,
      ...invalid,
    ],
    ["an unknown name to forget", "setAppSettings", { ...where, reset: ["gpu"] }, tenant.rootKey, ...invalid],
    ["nothing to set", "setAppSettings", where, tenant.rootKey, ...invalid],
    ["no size", "setSize", { ...where, reset: false }, tenant.rootKey, ...invalid],
    ["a size of 0", "setSize", { ...where, size: { memoryMib: 0 } }, tenant.rootKey, ...invalid],
    [
      "a key that may only read",
      "setAppSettings",
      { ...where, settings: { port: 1 } },
      reader,
      403,
      "authorization/insufficient_permissions",
    ],
    [
      "another workspace's project",
      "getAppSettings",
      { ...where, projectId: other.projectId },
      tenant.rootKey,
      404,
      "data/environment_not_found",
    ],
    [
      "an unknown environment",
      "setSize",
      { ...where, environmentSlug: "qa", reset: true },
      tenant.rootKey,
      404,
      "data/environment_not_found",
    ],
  ];
  for (const [name, route, body, key, status, type] of cases) {
    await t.step(name, async () => {
      const answer = await post(api, route, body, key);
      assert.deepEqual([answer.status, answer.error?.type], [status, `${TYPES}${type}`]);
    });
  }
  assert.deepEqual((await post(api, "getAppSettings", where, reader)).data["settings"], {});
});
