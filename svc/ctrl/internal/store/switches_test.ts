/** Switches and what edges report of them, on every database. */
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { newDnsName, newId } from "../../../../pkg/uid/mod.ts";
import { failedRequests, receiptOf } from "../switches/mod.ts";
import { NOW_MS, testOnCtrlDatabases } from "./testing.ts";
import {
  acknowledgeSwitches,
  appendChanges,
  countFailures,
  type CtrlDatabase,
  deleteSwitches,
  EDGE_REGION,
  endSwitch,
  listOpenSwitches,
  listSwitches,
  recordAgents,
  recordSwitch,
  type StoredSwitch,
} from "./mod.ts";

const test = testOnCtrlDatabases();

/** Environments and edges of one test: the database is shared by all. */
class World {
  readonly workspaceId = newId("workspace", NOW_MS);
  readonly environmentId = newId("environment", NOW_MS);
  readonly edges: readonly string[] = [`*:${newDnsName(8)}`, `*:${newDnsName(8)}`];
  readonly db: CtrlDatabase;

  constructor(db: CtrlDatabase) {
    this.db = db;
  }

  async edgesAlive(nowMs: number): Promise<void> {
    const edgeRegion = "eu";
    await transact(this.db, (tx) =>
      recordAgents(
        tx,
        this.edges.map((agentId) => ({
          agentId,
          region: EDGE_REGION,
          progress: { appliedVersion: 0, observedVersion: 0, edgeRegion },
          nowMs,
        })),
      ));
  }

  /** Moves the traffic, and returns the version that edges must reach. */
  async move(to: string, from: string | undefined, nowMs: number): Promise<number> {
    return await transact(this.db, async (tx) => {
      const [version = 0] = await appendChanges(tx, EDGE_REGION, [
        { resourceType: "route", resourceId: to },
      ], nowMs);
      await recordSwitch(tx, {
        workspaceId: this.workspaceId,
        projectId: "proj_1",
        environmentId: this.environmentId,
        environmentSlug: "production",
        deploymentId: to,
        previousDeploymentId: from,
        cause: from === undefined ? "deploy" : "rollback",
        nowMs,
        edgesSinceMs: nowMs - 1,
      });
      return version;
    });
  }

  async list(): Promise<StoredSwitch[]> {
    return await listSwitches(this.db.kysely, {
      workspaceId: this.workspaceId,
      projectIds: undefined,
      environmentSlug: undefined,
      deploymentId: undefined,
      before: undefined,
      limit: 10,
    });
  }

  async newest(): Promise<StoredSwitch> {
    const [first] = await this.list();
    assert.ok(first !== undefined);
    return first;
  }

  acknowledge(edge: number, appliedVersion: number, appliedAtMs: number): Promise<void> {
    const agentId = this.edges[edge] ?? "";
    return transact(this.db, (tx) => acknowledgeSwitches(tx, [{ agentId, appliedVersion, appliedAtMs }]));
  }

  /** The acknowledgements of the newest switch, as times after its commit. */
  async acknowledged(): Promise<readonly (number | undefined)[]> {
    const given = await this.newest();
    const { edges } = receiptOf(given, given.row.created_at);
    return this.edges.map((id) => edges.find((each) => `*:${each.id}` === id)?.acknowledgedMs);
  }
}

test("a switch has the edges that are alive, and the first acknowledgement of each", async (db) => {
  const world = new World(db);
  await world.edgesAlive(NOW_MS);
  const version = await world.move("d_2", "d_1", NOW_MS);
  const { row, edges } = await world.newest();
  assert.equal(row.edge_version, version);
  const own = edges.filter(({ agent_id }) => world.edges.includes(agent_id));
  assert.deepEqual(own.map(({ region }) => region), ["eu", "eu"]);
  await world.acknowledge(0, version - 1, NOW_MS + 10);
  assert.deepEqual(await world.acknowledged(), [undefined, undefined]);
  await world.acknowledge(0, version, NOW_MS + 20);
  await world.acknowledge(0, version + 1, NOW_MS + 30);
  await world.acknowledge(1, version + 5, NOW_MS - 5);
  assert.deepEqual(await world.acknowledged(), [20, 0], "a repetition changes nothing");
});

test("an edge without a heartbeat for long is no part of a switch", async (db) => {
  const world = new World(db);
  await world.edgesAlive(NOW_MS - 10);
  await world.move("d_1", undefined, NOW_MS);
  const { edges } = await world.newest();
  assert.deepEqual(edges.filter(({ agent_id }) => world.edges.includes(agent_id)), []);
});

test("failed requests are counted once, for switches between their deployments, and made final once", async (db) => {
  const world = new World(db);
  await world.edgesAlive(NOW_MS);
  const version = await world.move("d_2", "d_1", NOW_MS);
  await world.acknowledge(0, version, NOW_MS + 20);
  const slot = (at: number, deploymentId: string, byInstance: number) => ({
    slot: at,
    deploymentId,
    endedAtMs: NOW_MS + at * 250,
    byEdge: 1,
    byInstance,
  });
  const report = {
    agentId: world.edges[0] ?? "",
    countedUntilMs: NOW_MS + 2_500,
    slots: [slot(0, "d_1", 50), slot(1, "d_1", 2), slot(2, "d_2", 3), slot(2, "d_3", 70)],
  };
  await transact(db, (tx) => countFailures(tx, report));
  await transact(db, (tx) => countFailures(tx, { ...report, countedUntilMs: NOW_MS + 1_000 }));
  const counted = await world.newest();
  assert.deepEqual(failedRequests(counted), { failed_by_edge: 2, failed_by_former: 2, failed_by_target: 3 });
  assert.equal(
    counted.edges.find(({ agent_id }) => agent_id === report.agentId)?.counted_until,
    NOW_MS + 2_500,
  );

  const { id } = counted.row;
  assert.ok((await listOpenSwitches(db.kysely, { beforeMs: NOW_MS + 1, limit: 1_000 })).includes(id));
  const end = (nowMs: number) => transact(db, (tx) => endSwitch(tx, id, { nowMs, sum: failedRequests }));
  await Promise.all([end(NOW_MS + 60_000), end(NOW_MS + 60_000)]);
  await end(NOW_MS + 70_000);
  await transact(db, (tx) => countFailures(tx, { ...report, slots: [slot(3, "d_2", 9)] }));
  const { row, failures } = await world.newest();
  assert.deepEqual([row.ended_at, row.failed_by_edge, row.failed_by_former, row.failed_by_target, failures], [
    NOW_MS + 60_000,
    2,
    2,
    3,
    [],
  ]);
  const left = await db.kysely.selectFrom("traffic_switch_failures").selectAll().where("switch_id", "=", id)
    .execute();
  assert.deepEqual(left, []);
});

test("the next switch of an environment supersedes the one that is open, and no other", async (db) => {
  const world = new World(db);
  await world.move("d_1", undefined, NOW_MS);
  const other = new World(db);
  await other.move("d_9", undefined, NOW_MS + 5);
  await world.move("d_2", "d_1", NOW_MS + 10);
  const supersededAt = async (of: World) => (await of.list()).map(({ row }) => row.superseded_at);
  assert.deepEqual(await supersededAt(world), [null, NOW_MS + 10]);
  assert.deepEqual(await supersededAt(other), [null]);
});

test("old switches go with all that belongs to them, in batches", async (db) => {
  const world = new World(db);
  const oldMs = NOW_MS - 1_000_000;
  await world.edgesAlive(oldMs);
  for (const at of [0, 1, 2]) await world.move(`d_${at}`, undefined, oldMs + at);
  await world.move("d_new", "d_2", NOW_MS);
  const remove = () => transact(db, (tx) => deleteSwitches(tx, { beforeMs: oldMs + 3, limit: 2 }));
  assert.deepEqual([await remove(), await remove(), await remove()], [2, 1, 0]);
  assert.deepEqual((await world.list()).map(({ row }) => row.deployment_id), ["d_new"]);
});
