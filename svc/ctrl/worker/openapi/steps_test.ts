import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { encodeAppSnapshot } from "../../internal/deployments/app/settings.ts";
import { type CtrlDatabase, findOpenApi, listEventsAfter, recordLive } from "../../internal/store/mod.ts";
import { type Seed, seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { createOpenApiSteps } from "./steps.ts";

const test = testOnCtrlDatabases();
const clock = systemClock();
const signal = new AbortController().signal;

/** An edge that answers every name with the document of the moment. */
async function startEdge() {
  let paths: unknown = {};
  const server = createServer((_request, response) =>
    void response.end(JSON.stringify({ openapi: "3.1.0", paths }))
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    serve: (value: unknown) => void (paths = value),
    [Symbol.dispose]: () => void server.close(),
  };
}

async function ready(
  db: CtrlDatabase,
  seed: Seed,
  settings: { readonly openapiPath?: string },
): Promise<string> {
  const appSettings = encodeAppSnapshot({ own: settings, environment: {} });
  const { id } = await seedDeployment(db, seed);
  await db.kysely.updateTable("deployments").set({ status: "ready", app_settings: appSettings })
    .where("id", "=", id).execute();
  return id;
}

async function route(db: CtrlDatabase, seed: Seed, id: string, hostname: string, sticky: "none" | "branch") {
  await db.kysely.insertInto("frontline_routes").values({
    id: `ir_${hostname}`,
    workspace_id: seed.workspaceId,
    project_id: seed.projectId,
    environment_id: seed.productionId,
    deployment_id: id,
    hostname,
    sticky,
    created_at: 1,
    updated_at: 1,
  }).execute();
}

async function notices(db: CtrlDatabase, id: string): Promise<readonly string[]> {
  const events = await listEventsAfter(db.kysely, id, 0, 100);
  return events.flatMap(({ payload }) => payload.kind === "notice" ? [payload.message] : []);
}

test("a document is kept once, and its notice counts what breaks the one that was live before", async (db) => {
  using edge = await startEdge();
  const steps = createOpenApiSteps({ db, clock, edgeUrl: edge.url });
  const seed = await seedProject(db);
  const [first, second] = [
    await ready(db, seed, { openapiPath: "/openapi.json" }),
    await ready(db, seed, { openapiPath: "/openapi.json" }),
  ];
  await route(db, seed, first, `first-${first}.localhost`, "none");
  await route(db, seed, second, `second-${second}.localhost`, "branch");
  await transact(db, async (tx) => {
    const move = { environmentId: seed.productionId, back: false, nowMs: 1 };
    await recordLive(tx, { ...move, deploymentId: first, displaced: undefined });
    await recordLive(tx, { ...move, deploymentId: second, displaced: first });
  });
  for (
    const [id, paths] of [[first, { "/a": { get: {} }, "/b": { get: {} } }], [second, {
      "/a": { get: {} },
    }]] as const
  ) {
    edge.serve(paths);
    const target = await steps.find(id);
    assert.ok(target.kind === "found");
    const look = { deploymentId: id, ...target };
    assert.deepEqual(await steps.look(look, signal), { kind: "stored" });
    assert.deepEqual(await steps.look(look, signal), { kind: "stored" });
  }
  assert.deepEqual(await notices(db, first), ["OpenAPI 3.1.0 document with 2 operations."]);
  assert.deepEqual(await notices(db, second), [
    `OpenAPI 3.1.0 document with 1 operation: 1 change since ${first}, 1 of them breaking. ` +
    `"unkey openapi diff ${first} ${second}" shows them.`,
  ]);
  const kept = await findOpenApi(db.kysely, { deploymentId: second, workspaceId: seed.workspaceId });
  assert.deepEqual([kept?.operations, kept?.version, kept?.problem], [1, "3.1.0", ""]);
  const foreign = await findOpenApi(db.kysely, { deploymentId: second, workspaceId: "ws_other" });
  assert.equal(foreign, undefined);
});

test("documents that are too large to compare are kept, and the notice says so", async (db) => {
  using edge = await startEdge();
  const steps = createOpenApiSteps({ db, clock, edgeUrl: edge.url });
  const seed = await seedProject(db);
  const ids = [
    await ready(db, seed, { openapiPath: "/openapi.json" }),
    await ready(db, seed, { openapiPath: "/openapi.json" }),
  ];
  for (const [at, id] of ids.entries()) {
    await route(db, seed, id, `large-${id}.localhost`, "none");
    await transact(db, async (tx) => {
      const move = { environmentId: seed.productionId, back: false, nowMs: 1 };
      await recordLive(tx, { ...move, deploymentId: id, displaced: ids[at - 1] });
    });
    const alike = Array.from({ length: 5_000 }, (_, each) => [`/${each}`, { $ref: "#/paths/~1x" }]);
    const parameters = Array.from({ length: 4_000 }, (_, each) => ({ name: `${at}${each}`, in: "query" }));
    edge.serve({ ...Object.fromEntries(alike), "/x": { parameters, get: {} } });
    const look = { deploymentId: id, hostname: `large-${id}.localhost`, path: "/openapi.json" };
    assert.deepEqual(await steps.look(look, signal), { kind: "stored" });
  }
  const [first, second] = ids;
  assert.match(
    (await notices(db, second ?? "")).join(),
    new RegExp(
      `^OpenAPI 3.1.0 document with 1 operation. This one and that of ${first} are too large to compare: `,
    ),
  );
});

test("only a ready deployment that names a path and has a name is asked", async (db) => {
  const steps = createOpenApiSteps({ db, clock, edgeUrl: "http://127.0.0.1:1" });
  const seed = await seedProject(db);
  const silent = await ready(db, seed, {});
  await route(db, seed, silent, `silent-${silent}.localhost`, "none");
  const nameless = await ready(db, seed, { openapiPath: "/openapi.json" });
  const stopped = await ready(db, seed, { openapiPath: "/openapi.json" });
  await route(db, seed, stopped, `stopped-${stopped}.localhost`, "none");
  await db.kysely.updateTable("deployments").set({ status: "stopped" }).where("id", "=", stopped).execute();
  for (const id of [silent, nameless, stopped, "d_missing"]) {
    assert.deepEqual(await steps.find(id), { kind: "gone" });
  }
});

test("a name that has moved on says nothing of the deployment, and a reason is kept with a notice", async (db) => {
  using edge = await startEdge();
  const steps = createOpenApiSteps({ db, clock, edgeUrl: edge.url });
  const seed = await seedProject(db);
  const id = await ready(db, seed, { openapiPath: "/openapi.json" });
  const look = { deploymentId: id, hostname: `x-${id}.localhost`, path: "/openapi.json" };
  assert.deepEqual(await steps.look(look, signal), { kind: "moved" });
  assert.equal(await findOpenApi(db.kysely, { deploymentId: id, workspaceId: seed.workspaceId }), undefined);
  await route(db, seed, id, look.hostname, "branch");
  await steps.giveUp(look, "it is answered with 502.");
  const kept = await findOpenApi(db.kysely, { deploymentId: id, workspaceId: seed.workspaceId });
  assert.deepEqual([kept?.body, kept?.problem], [undefined, "it is answered with 502."]);
  assert.deepEqual(await notices(db, id), ["No OpenAPI document was read: it is answered with 502."]);
});
