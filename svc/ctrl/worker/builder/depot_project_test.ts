import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { type Depot, openDepot } from "../../../../pkg/build/depot/mod.ts";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { TestDepot } from "../../../../pkg/testkit/depot.ts";
import { seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { type CtrlDatabase, findDepotProject } from "../../internal/store/mod.ts";
import { type DepotProjectDeps, findOrCreateDepotProject } from "./depot_project.ts";

const MACHINE = { address: "tcp://127.0.0.1:1234", ca: "ca", cert: "cert", key: "key" };
const test = testOnCtrlDatabases();

async function bench(
  db: CtrlDatabase,
  server: TestDepot,
): Promise<{ deps: DepotProjectDeps; projectId: string }> {
  const { projectId } = await seedProject(db);
  const [clock, log] = [systemClock(), silentLogger()];
  const depot = openDepot({ token: server.token, apiUrl: server.url, clock, log });
  return { deps: { db: db.kysely, depot, region: "eu-central-1", clock, log }, projectId };
}

const named = (server: TestDepot, projectId: string): string[] =>
  server.projects.filter(({ name }) => name === `unkey-${projectId}`).map(({ id }) => id);

test("the first build of a project creates its Depot project, and later ones find it", async (db) => {
  await using server = await TestDepot.start({ machine: MACHINE });
  const { deps, projectId } = await bench(db, server);
  const id = await findOrCreateDepotProject(deps, { projectId });
  assert.deepEqual(named(server, projectId), [id]);
  assert.equal(server.projects.at(-1)?.region, "eu-central-1");
  assert.equal(await findDepotProject(db.kysely, projectId), id);
  const calls = server.calls.length;
  assert.equal(await findOrCreateDepotProject(deps, { projectId }), id);
  assert.equal(server.calls.length, calls, "Depot is not asked again");
});

/** Two Depot projects would each start with an empty cache, and one of them would stay for ever. */
test("builds that begin at the same time agree on one Depot project", async (db) => {
  await using server = await TestDepot.start({ machine: MACHINE });
  const { deps, projectId } = await bench(db, server);
  const release = server.hold("createProject");
  const all = Promise.all(Array.from({ length: 5 }, () => findOrCreateDepotProject(deps, { projectId })));
  const deadline = performance.now() + 60_000;
  while (server.calls.filter((each) => each === "createProject").length < 5) {
    assert.ok(performance.now() < deadline, "all five ask Depot for a project");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  release();
  const ids = new Set(await all);
  assert.deepEqual(named(server, projectId), [...ids]);
  assert.equal(await findDepotProject(db.kysely, projectId), [...ids][0]);
});

test("a Depot project whose id was never stored is adopted", async (db) => {
  await using server = await TestDepot.start({ machine: MACHINE });
  const { deps, projectId } = await bench(db, server);
  const { id } = await deps.depot.createProject({ name: `unkey-${projectId}`, region: "us-east-1" });
  assert.equal(await findOrCreateDepotProject(deps, { projectId }), id);
  assert.deepEqual(named(server, projectId), [id]);
});

test("a Depot project that was deleted there is replaced, once", async (db) => {
  await using server = await TestDepot.start({ machine: MACHINE });
  const { deps, projectId } = await bench(db, server);
  const missing = await findOrCreateDepotProject(deps, { projectId });
  await deps.depot.deleteProject(missing);
  const next = await findOrCreateDepotProject(deps, { projectId, missing });
  assert.notEqual(next, missing);
  assert.equal(await findOrCreateDepotProject(deps, { projectId, missing }), next);
  assert.deepEqual(named(server, projectId), [next]);
});

test("a project that goes away while its Depot project is created leaves none there", async (db) => {
  await using server = await TestDepot.start({ machine: MACHINE });
  const { deps, projectId } = await bench(db, server);
  const depot: Pick<Depot, "listProjects" | "createProject" | "deleteProject"> = {
    ...deps.depot,
    createProject: async (project) => {
      await db.kysely.deleteFrom("projects").where("id", "=", projectId).execute();
      return await deps.depot.createProject(project);
    },
  };
  await assert.rejects(
    findOrCreateDepotProject({ ...deps, depot }, { projectId }),
    (error) => isFault(error, "not_found"),
  );
  assert.deepEqual(named(server, projectId), []);
});

test("a refusal of Depot stores nothing", async (db) => {
  await using server = await TestDepot.start({ machine: MACHINE });
  const { deps, projectId } = await bench(db, server);
  server.refuse("createProject", Code.ResourceExhausted);
  await assert.rejects(
    findOrCreateDepotProject(deps, { projectId }),
    (error) => isFault(error, "rate_limited"),
  );
  assert.equal(await findDepotProject(db.kysely, projectId), undefined);
});
