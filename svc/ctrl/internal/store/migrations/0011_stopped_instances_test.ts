import assert from "node:assert/strict";
import { transact } from "../../../../../pkg/db/mod.ts";
import { newDnsName } from "../../../../../pkg/uid/mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "../testing.ts";
import {
  EDGE_REGION,
  findRegionVersion,
  listCoalescedChanges,
  listInstances,
  placeDeployment,
  replaceReported,
} from "../mod.ts";
import { stoppedInstances } from "./0011_stopped_instances.ts";

const test = testOnCtrlDatabases();

test("instances that were left when their deployments stopped go, and the edges hear of it", async (db) => {
  const seed = await seedProject(db);
  const region = newDnsName(10);
  const ids: string[] = [];
  for (let n = 0; n < 3; n++) {
    const { id } = await seedDeployment(db, seed);
    ids.push(id);
    const { workspaceId, projectId } = seed;
    const instance = {
      k8s_name: `${id}-a`,
      address: "127.0.0.1:30000",
      cpu_millicores: 1,
      memory_mib: 1,
      status: "running",
      reason: "",
      message: "",
      exit_code: null,
      restarts: 0,
      last_log_lines: "[]",
    } as const;
    await transact(db, async (tx) => {
      const regions = [{ region, replicas: 1 }];
      await placeDeployment(tx, { deploymentId: id, workspaceId, regions, nowMs: NOW_MS });
      const of = { deploymentId: id, workspaceId, projectId, region, generation: 1, nowMs: NOW_MS };
      await replaceReported(tx, { ...of, instances: [instance] });
    });
  }
  const [kept = "", ...stopped] = ids;
  // As a stop did before.
  await db.kysely.updateTable("deployment_topology").set({ desired_status: "stopped" })
    .where("deployment_id", "in", stopped).execute();
  await db.kysely.deleteFrom("shown_revisions").where("deployment_id", "=", stopped[0] ?? "").execute();
  const shown = async () =>
    new Map(
      (await db.kysely.selectFrom("shown_revisions").selectAll().where("deployment_id", "in", ids).execute())
        .map((row) => [row.deployment_id, row.revision]),
    );
  const [before, shownBefore] = [await findRegionVersion(db.kysely, EDGE_REGION), await shown()];

  for (let runs = 0; runs < 2; runs++) {
    await transact(db, (tx) => stoppedInstances.up(tx));
  }

  assert.equal((await listInstances(db.kysely, kept)).length, 1);
  for (const id of stopped) assert.deepEqual(await listInstances(db.kysely, id), []);
  const shownAfter = await shown();
  for (const [id, by] of [[kept, 0], ...stopped.map((id) => [id, 1] as const)] as const) {
    assert.equal(shownAfter.get(id), (shownBefore.get(id) ?? 0) + by);
  }
  assert.equal(await findRegionVersion(db.kysely, EDGE_REGION), before + 2);
  const news = { region: EDGE_REGION, after: before, resourceTypes: ["endpoints"] } as const;
  assert.deepEqual(
    (await listCoalescedChanges(db.kysely, news)).map((each) => [each.resourceId, each.version]),
    stopped.toSorted().map((id, index) => [id, before + 1 + index]),
  );
});
