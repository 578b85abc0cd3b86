import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { NOW_MS, type Seed, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";
import {
  assignRoutes,
  type CtrlDatabase,
  EDGE_REGION,
  findRegionVersion,
  listDeploymentViewsByIds,
  listRoutesOfDeployment,
  type WantedRoute,
} from "./mod.ts";

const test = testOnCtrlDatabases();

function assigner(db: CtrlDatabase, seed: Seed) {
  return (deploymentId: string, environmentId: string, ...routes: WantedRoute[]) =>
    transact(db, (tx) =>
      assignRoutes(tx, {
        routes,
        deploymentId,
        environmentId,
        projectId: seed.projectId,
        workspaceId: seed.workspaceId,
        nowMs: NOW_MS,
      }));
}

test("a hostname moves within its owner, and nobody else can take it", async (db) => {
  const [mine, other] = [await seedProject(db), await seedProject(db)];
  const name = newDnsName(12);
  const live = { hostname: `${name}.localhost`, sticky: "live" } as const;
  const branch = { hostname: `${name}-git-main.localhost`, sticky: "branch" } as const;
  const [d1, d2] = [(await seedDeployment(db, mine)).id, (await seedDeployment(db, mine)).id];
  const theirs = (await seedDeployment(db, other)).id;
  const assign = assigner(db, mine);

  assert.deepEqual(await assign(d1, mine.productionId, live, branch), {
    kind: "assigned",
    moved: [{ hostname: branch.hostname, from: undefined }, { hostname: live.hostname, from: undefined }],
  });
  const version = await findRegionVersion(db.kysely, EDGE_REGION);
  assert.deepEqual(await assign(d1, mine.productionId, live, branch), { kind: "assigned", moved: [] });
  assert.equal(
    await findRegionVersion(db.kysely, EDGE_REGION),
    version,
    "nothing changed, so nothing is sent",
  );
  assert.deepEqual(await assign(d2, mine.productionId, live), {
    kind: "assigned",
    moved: [{ hostname: live.hostname, from: d1 }],
  });

  const free = { hostname: `${name}-free.localhost`, sticky: "none" } as const;
  assert.deepEqual(await assigner(db, other)(theirs, other.productionId, free, live, branch), {
    kind: "taken",
    hostnames: [branch.hostname, live.hostname],
  });
  assert.deepEqual(await listRoutesOfDeployment(db.kysely, theirs), []);
  assert.deepEqual(
    await assign(d1, mine.previewId, live, branch),
    { kind: "taken", hostnames: [branch.hostname, live.hostname] },
    "names of an environment and of its branches do not move to another one",
  );
  const names = async (id: string) => (await listDeploymentViewsByIds(db.kysely, [id])).get(id)?.hostnames;
  assert.deepEqual(await names(d1), [branch.hostname]);
  assert.deepEqual(await names(d2), [live.hostname]);
});

test("of several projects that claim one free hostname at once, one gets it", async (db) => {
  const seeds = await Promise.all(Array.from({ length: 6 }, () => seedProject(db)));
  const route = { hostname: `${newDnsName(12)}.localhost`, sticky: "live" } as const;
  const outcomes = await Promise.all(seeds.map(async (seed) => {
    const { id } = await seedDeployment(db, seed);
    return await assigner(db, seed)(id, seed.productionId, route);
  }));
  assert.equal(outcomes.filter((each) => each.kind === "assigned").length, 1);
});
