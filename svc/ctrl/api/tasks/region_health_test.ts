import assert from "node:assert/strict";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import {
  NOW_MS,
  type Seed,
  seedDeployment,
  seedProject,
  testOnCtrlDatabases,
} from "../../internal/store/testing.ts";
import {
  type CtrlDatabase,
  EDGE_REGION,
  findRegionVersion,
  listAgents,
  listCoalescedChanges,
  listDownRegions,
  placeDeployment,
  recordAgents,
  replaceReported,
} from "../../internal/store/mod.ts";
import { RegionWatch } from "./region_health.ts";

const test = testOnCtrlDatabases();
const SECOND_MS = 1_000;

/** Two regions with agents, a deployment in both, and one in the first only. */
class Setup {
  readonly db: CtrlDatabase;
  readonly regions = [`a-${newDnsName(8)}`, `b-${newDnsName(8)}`] as const;
  readonly nudged: string[] = [];
  readonly #clock: Clock & { nowMs: number };
  #watches: RegionWatch[];
  both = "";
  single = "";

  constructor(db: CtrlDatabase) {
    this.db = db;
    // Later than anything else in a database that tests share.
    const clock = { nowMs: NOW_MS + 1, now: () => clock.nowMs, sleep: () => Promise.resolve() };
    this.#clock = clock;
    this.#watches = [this.#newWatch()];
  }

  async start(): Promise<void> {
    const seed = await seedProject(this.db);
    this.both = await this.#deploy(seed, this.regions);
    this.single = await this.#deploy(seed, [this.regions[0]]);
    await this.beat(0, 1);
  }

  /** The process restarts. */
  restart(): void {
    this.#watches = [this.#newWatch()];
  }

  /** Another process sweeps too, at the same time. */
  another(): void {
    this.#watches.push(this.#newWatch());
  }

  /** Heartbeats of the agents of these regions. */
  async beat(...regions: readonly (0 | 1)[]): Promise<void> {
    for (const index of regions) {
      const region = this.regions[index];
      const heartbeats = [{ agentId: `${region}:agent`, region, nowMs: this.#clock.nowMs }];
      await transact(this.db, (tx) => recordAgents(tx, heartbeats));
    }
  }

  /** Sweeps every ten seconds while the named regions send heartbeats. */
  async pass(seconds: number, alive: readonly (0 | 1)[]): Promise<void> {
    for (let passed = 0; passed < seconds; passed += 10) {
      this.#clock.nowMs += 10 * SECOND_MS;
      await this.beat(...alive);
      await Promise.all(this.#watches.map((watch) => watch.sweep()));
    }
  }

  /** Time passes without a sweep. */
  away(seconds: number): void {
    this.#clock.nowMs += seconds * SECOND_MS;
  }

  /** Changes of the edges' feed since a version: those of regions by their first letter. */
  async changedSince(after: number): Promise<readonly string[]> {
    const changes = await listCoalescedChanges(this.db.kysely, {
      region: EDGE_REGION,
      after,
      resourceTypes: ["endpoints", "down_region"],
    });
    return changes.map(({ resourceType, resourceId }) => `${resourceType} ${resourceId.slice(0, 1)}`);
  }

  async down(): Promise<readonly string[]> {
    const own = new Set<string>(this.regions);
    return (await listDownRegions(this.db.kysely)).map((each) => each.region)
      .filter((region) => own.has(region)).map((region) => region.slice(0, 1));
  }

  version(): Promise<number> {
    return findRegionVersion(this.db.kysely, EDGE_REGION);
  }

  #newWatch(): RegionWatch {
    const notifier = { changed: (regions: readonly string[]) => void this.nudged.push(...regions) };
    return new RegionWatch({ db: this.db, clock: this.#clock, log: silentLogger(), notifier });
  }

  async #deploy(seed: Seed, regions: readonly string[]): Promise<string> {
    const { id } = await seedDeployment(this.db, seed);
    const { workspaceId, projectId } = seed;
    await transact(this.db, async (tx) => {
      const placed = regions.map((region) => ({ region, replicas: 1 }));
      await placeDeployment(tx, { deploymentId: id, workspaceId, regions: placed, nowMs: NOW_MS });
      for (const region of regions) {
        await replaceReported(tx, {
          deploymentId: id,
          workspaceId,
          projectId,
          region,
          generation: 1,
          nowMs: NOW_MS,
          instances: [{
            k8s_name: `${id}-0`,
            address: "10.0.0.1:80",
            cpu_millicores: 1,
            memory_mib: 1,
            status: "running",
            reason: "",
            message: "",
            exit_code: null,
            restarts: 0,
            last_log_lines: "[]",
            last_end: null,
          }],
        });
      }
    });
    return id;
  }
}

test("a region without heartbeats is marked, and with the next one no longer, each by one change for the edges", async (db) => {
  const setup = new Setup(db);
  await setup.start();
  await setup.pass(40, [0, 1]);
  const before = await setup.version();
  await setup.pass(30, [1]);
  assert.deepEqual(await setup.down(), [], "the timeout has not passed");
  await setup.pass(10, [1]);
  assert.deepEqual(await setup.down(), ["a"]);
  assert.deepEqual(await setup.changedSince(before), ["down_region a"], "whatever runs there");
  assert.ok(setup.nudged.includes(EDGE_REGION));
  const downAt = await setup.version();
  await setup.pass(60, [1]);
  assert.equal(await setup.version(), downAt, "one change");
  await setup.pass(10, [0, 1]);
  assert.deepEqual(await setup.down(), []);
  assert.deepEqual(await setup.changedSince(downAt), ["down_region a"]);
});

/** Or the region whose agent comes back first would get all the traffic. */
test("after an outage of the control plane no region is judged until its agent had the time to come back", async (db) => {
  for (const outage of ["restart", "pause"] as const) {
    const setup = new Setup(db);
    await setup.start();
    await setup.pass(40, [0, 1]);
    setup.away(600);
    if (outage === "restart") setup.restart();
    await setup.pass(30, [1]);
    assert.deepEqual(await setup.down(), [], outage);
    await setup.pass(20, [1]);
    assert.deepEqual(await setup.down(), ["a"], outage);
  }
});

test("two processes that sweep at once mark a region once", async (db) => {
  const setup = new Setup(db);
  await setup.start();
  setup.another();
  await setup.pass(40, [0, 1]);
  const before = await setup.version();
  await setup.pass(40, [1]);
  assert.deepEqual(await setup.down(), ["a"]);
  const changes = await db.kysely.selectFrom("state_changes").select("version")
    .where("region", "=", EDGE_REGION).where("version", ">", before).where(
      "resource_id",
      "=",
      setup.regions[0],
    )
    .execute();
  assert.equal(changes.length, 1);
});

test("agents of earlier starts are deleted, the last one of a region that is down after a day", async (db) => {
  const setup = new Setup(db);
  await setup.start();
  const [region] = setup.regions;
  const names = async () =>
    (await listAgents(db.kysely, { sinceMs: 0, region })).map((each) => each.agent_id);
  const earlier = `${region}:earlier`;
  await transact(db, (tx) => recordAgents(tx, [{ agentId: earlier, region, nowMs: NOW_MS }]));
  await setup.pass(40, [0, 1]);
  assert.deepEqual(await names(), [`${region}:agent`, earlier].sort());
  await setup.pass(600, [0, 1]);
  assert.deepEqual(await names(), [`${region}:agent`]);
  await setup.pass(660, [1]);
  assert.deepEqual(await names(), [`${region}:agent`], "it has the time of the last heartbeat");
  setup.away(24 * 3_600);
  await setup.pass(60, [1]);
  assert.deepEqual(await names(), []);
  assert.deepEqual(await setup.down(), ["a"], "the region stays out");
});
