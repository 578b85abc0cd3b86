import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { Secret } from "../../../../pkg/config/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { createVault, parseMasterKeys } from "../../../../pkg/vault/mod.ts";
import { credentialHash } from "../../internal/auth/hash.ts";
import { revealToken, type SentinelMaker } from "../../internal/sentinels/mod.ts";
import { seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import {
  type CtrlDatabase,
  dataKeyStore,
  findSentinelOf,
  moveStatus,
  stopTopology,
} from "../../internal/store/mod.ts";
import { createDeploySteps } from "../deploy/steps.ts";
import { createStartSteps } from "../start/steps.ts";
import { IMAGE_RULES, recordingNotifier } from "../testing.ts";
import { sweepSentinelsOnce } from "./sentinel_sweep.ts";
import { NO_SPANS } from "../../internal/traces/testing.ts";

const test = testOnCtrlDatabases();
const clock = systemClock();
const NOTHING = { kind: "nothing" } as const;
const ACTOR = { kind: "system", name: "test" } as const;
const MASTER_KEYS = new Secret("bWFzdGVyLW1hc3Rlci1tYXN0ZXItbWFzdGVyLW1hc3Q=");

function maker(db: CtrlDatabase, image: string): SentinelMaker {
  const vault = createVault({
    masterKeys: parseMasterKeys(MASTER_KEYS),
    store: dataKeyStore(db.kysely),
    clock,
  });
  const shape = { image, replicas: 1, cpuMillicores: 256, memoryMib: 256 };
  return { vault, shapes: { production: { ...shape, replicas: 3 }, other: shape } };
}

/** Deploys to the environment's regions with these settings of the worker. */
async function begin(db: CtrlDatabase, regions: readonly string[], sentinels: SentinelMaker | undefined) {
  const seed = await seedProject(db);
  const steps = createDeploySteps({
    spans: NO_SPANS,
    db,
    clock,
    changes: recordingNotifier(),
    regions,
    apex: "localhost",
    replicas: 1,
    ...IMAGE_RULES,
    agentTimeoutMs: 30_000,
    sentinels,
  });
  const place = async (environment = seed.productionId): Promise<string> => {
    const { id } = await seedDeployment(db, seed, { environment_id: environment });
    assert.deepEqual(await steps.place(id, new AbortController().signal), { kind: "advanced" });
    assert.deepEqual(
      await steps.place(id, new AbortController().signal),
      { kind: "advanced" },
      "a step may run twice",
    );
    return id;
  };
  const find = (region: string, environment = seed.productionId) =>
    findSentinelOf(db.kysely, environment, region);
  const sweep = async (settings: SentinelMaker | undefined) => {
    const changes = recordingNotifier();
    const deps = { db, clock, log: silentLogger(), changes, sentinels: settings };
    const count = await sweepSentinelsOnce(deps, new AbortController().signal);
    return { count, seen: [...changes.seen].sort() };
  };
  return { seed, steps, place, find, sweep };
}

test("a deploy brings a sentinel to each region, with a token that only the vault can read", async (db) => {
  const sentinels = maker(db, "unkey:1");
  const { seed, place, find, steps } = await begin(db, ["r1", "r2"], sentinels);
  const id = await place();
  await place(seed.previewId);
  for (const region of ["r1", "r2"]) {
    const row = await find(region);
    assert.ok(row !== undefined);
    assert.deepEqual([row.image, row.desired_replicas, row.desired_state], ["unkey:1", 3, "running"]);
    const token = await revealToken(sentinels.vault, row);
    assert.match(token, /^sentinel_/);
    assert.equal(credentialHash(token), row.token_hash);
    assert.ok(!row.encrypted_token.includes(token));
    assert.equal((await find(region, seed.previewId))?.desired_replicas, 1);
  }
  await steps.finish(id, { kind: "cancelled" });
  assert.equal((await find("r1"))?.desired_state, "archived", "what ends before it serves leaves none");
});

test("what is started again brings the sentinel back, with another credential", async (db) => {
  const sentinels = maker(db, "unkey:1");
  const { seed, place, find } = await begin(db, ["r5"], sentinels);
  const id = await place();
  const first = await find("r5");
  await transact(db, async (tx) => {
    await moveStatus(tx, { id, from: ["deploying"], to: "stopped", nowMs: clock.now() });
    await stopTopology(tx, { deploymentId: id, nowMs: clock.now() });
  });
  assert.equal((await find("r5"))?.desired_state, "archived");
  const start = createStartSteps({
    db,
    clock,
    changes: recordingNotifier(),
    edgeUrl: "http://localhost",
    regions: [],
    replicas: 1,
    agentTimeoutMs: 30_000,
    sentinels,
  });
  const order = { deploymentId: id, environmentId: seed.productionId, then: NOTHING, actor: ACTOR };
  assert.deepEqual(await start.begin("start_1", order), { kind: "begun" });
  const again = await find("r5");
  assert.deepEqual([again?.id, again?.desired_state], [first?.id, "running"]);
  assert.notEqual(again?.token_hash, first?.token_hash);
});

test("without the setting there are none, and the sweep brings what the settings say", async (db) => {
  const { place, find, sweep } = await begin(db, ["r3", "r4"], undefined);
  await place();
  assert.equal(await find("r3"), undefined);
  // Rows of other tests are in the same database; only these regions are counted.
  const own = ({ seen }: { seen: string[] }) => seen.filter((region) => ["r3", "r4"].includes(region));
  assert.deepEqual(own(await sweep(maker(db, "unkey:1"))), ["r3", "r4"]);
  assert.equal((await find("r4"))?.image, "unkey:1");
  assert.deepEqual(await sweep(maker(db, "unkey:1")), { count: 0, seen: [] });

  assert.deepEqual(own(await sweep(maker(db, "unkey:2"))), ["r3", "r4"]);
  assert.equal((await find("r4"))?.image, "unkey:2");

  await db.kysely.updateTable("deployment_topology").set({ desired_status: "stopped" })
    .where("region", "=", "r4").execute();
  assert.deepEqual(await sweep(maker(db, "unkey:2")), { count: 1, seen: ["r4"] });
  assert.equal((await find("r4"))?.desired_state, "archived");
  assert.equal((await find("r3"))?.desired_state, "running");

  assert.deepEqual(own(await sweep(undefined)), ["r3"]);
  assert.equal((await find("r3"))?.desired_state, "archived");
});
