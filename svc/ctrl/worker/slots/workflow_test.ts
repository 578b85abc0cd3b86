import assert from "node:assert/strict";
import {
  execute,
  type Execution,
  FAULT_KINDS,
  type Injected,
  newWorld,
} from "../../../../pkg/testkit/fake_durable.ts";
import type { DurableWorkflow } from "../../../../pkg/durable/mod.ts";
import type { DeploymentStatus } from "../../internal/deployments/status.ts";
import {
  countsInQueue,
  type CtrlDatabase,
  listBuildSlots,
  listSteps,
  setWorkspaceLimit,
} from "../../internal/store/mod.ts";
import {
  NOW_MS,
  type Seed,
  seedDeployment,
  seedProject,
  testOnCtrlDatabases,
} from "../../internal/store/testing.ts";
import { memoryDatabase } from "../testing.ts";
import { SLOT_LIMITS, slotSteps } from "../testing_slots.ts";
import type { AcquireAnswer } from "./contract.ts";
import type { SlotLimits } from "./types.ts";
import { acquire, release } from "./workflow.ts";

/** One call of a handler that breaks. */
interface Break extends Injected {
  readonly call: number;
}

/** Builds as their workflows behave: they ask, wait to be woken, build, and give the slot back. */
class Bed {
  readonly served: string[] = [];
  readonly failed: string[] = [];
  readonly operations: number[] = [];
  /** The number of times that a free slot woke no build. */
  rechecks = 0;
  readonly world = { ...newWorld(), nowMs: NOW_MS };
  readonly #db: CtrlDatabase;
  readonly #seed: Seed;
  readonly #limits: Partial<SlotLimits>;
  readonly #broken: Break | undefined;
  readonly #names = new Map<string, string>();
  readonly #tickets = new Map<string, number>();

  constructor(db: CtrlDatabase, seed: Seed, limits: Partial<SlotLimits>, broken?: Break) {
    this.#db = db;
    this.#seed = seed;
    this.#limits = limits;
    this.#broken = broken;
  }

  /** A build that is called `P…` is of production; each is of a branch of its own. */
  async create(name: string): Promise<string> {
    this.world.nowMs += 1_000;
    const { id } = await seedDeployment(this.#db, this.#seed, {
      source: "context",
      image: null,
      environment_id: name.startsWith("P") ? this.#seed.productionId : this.#seed.previewId,
      git_branch: name,
      created_at: this.world.nowMs,
    });
    this.#names.set(id, name);
    return id;
  }

  async ask(id: string): Promise<AcquireAnswer | undefined> {
    const ticket = (this.#tickets.get(id) ?? 0) + 1;
    this.#tickets.set(id, ticket);
    const steps = slotSteps(this.#db, this.world, this.#limits);
    const { result } = await this.#call((durable) => acquire(durable, steps, { deploymentId: id, ticket }));
    await this.#assertCapacity();
    if (!result.ok) {
      // Its workflow unwinds: it ends, and gives back what it may have.
      this.failed.push(this.name(id));
      await this.end(id, "failed");
      return undefined;
    }
    if (result.value.kind === "granted") {
      this.served.push(this.name(id));
      await this.setStatus(id, "building");
    }
    return result.value;
  }

  async end(id: string, status: DeploymentStatus = "deploying"): Promise<void> {
    await this.setStatus(id, status);
    const steps = slotSteps(this.#db, this.world, this.#limits);
    await this.#call((durable) => release(durable, steps, { deploymentId: id }));
    await this.#assertCapacity();
  }

  /** Until every build has had its turn. */
  async drain(): Promise<void> {
    for (let round = 0; round < 50; round++) {
      const woken = this.world.sent.splice(0).map((each) => each.key ?? "");
      for (const id of woken) if (await this.status(id) === "queued") await this.ask(id);
      const [building] = await this.#ids("building");
      if (building !== undefined) {
        await this.end(building);
        continue;
      }
      const waiting = [...await this.#ids("queued"), ...await this.#ids("pending")];
      if (waiting.length === 0) return;
      if (woken.length > 0) continue;
      // No build was woken: they ask again by themselves.
      this.rechecks++;
      this.world.nowMs += SLOT_LIMITS.recheckMs;
      for (const id of waiting) await this.ask(id);
    }
    assert.fail(`not drained: ${JSON.stringify(await this.rows())}`);
  }

  name(id: string): string {
    return this.#names.get(id) ?? id;
  }

  async rows(): Promise<readonly string[]> {
    const rows = await listBuildSlots(this.#db.kysely, [this.#seed.workspaceId]);
    return rows.map((row) => `${this.name(row.deployment_id)} ${row.state}`).sort();
  }

  async status(id: string): Promise<string> {
    const row = await this.#db.kysely.selectFrom("deployments").select("status").where("id", "=", id)
      .executeTakeFirstOrThrow();
    return row.status;
  }

  async setStatus(id: string, status: DeploymentStatus): Promise<void> {
    await this.#db.kysely.updateTable("deployments").set({ status }).where("id", "=", id).execute();
  }

  async message(id: string): Promise<string> {
    const [step] = await listSteps(this.#db.kysely, id);
    return (step?.message ?? "").replaceAll(/d_\w+/g, (found) => this.name(found));
  }

  async #call<T>(body: (durable: DurableWorkflow) => Promise<T>): Promise<Execution<T>> {
    const breaks = this.#broken?.call === this.operations.length ? { fault: this.#broken } : {};
    const done = await execute(body, { key: this.#seed.workspaceId, world: this.world, ...breaks });
    this.operations.push(done.names.length);
    return done;
  }

  async #ids(status: DeploymentStatus): Promise<readonly string[]> {
    const rows = await this.#db.kysely.selectFrom("deployments").select("id").where("status", "=", status)
      .where("workspace_id", "=", this.#seed.workspaceId).orderBy("created_at").execute();
    return rows.map((row) => row.id);
  }

  async #assertCapacity(): Promise<void> {
    const { nowMs } = this.world;
    const held = (await listBuildSlots(this.#db.kysely, [this.#seed.workspaceId])).filter((row) =>
      row.state !== "waiting" && countsInQueue(row) && (row.lease_until ?? 0) > nowMs
    );
    assert.ok(held.length <= (this.#limits.buildsMax ?? SLOT_LIMITS.buildsMax), JSON.stringify(held));
  }
}

async function play(db: CtrlDatabase, broken?: Break): Promise<Bed> {
  const bed = new Bed(db, await seedProject(db), {}, broken);
  const ids = [];
  for (const name of ["v1", "v2", "P3", "v4"]) {
    const id = await bed.create(name);
    ids.push(id);
    await bed.ask(id);
  }
  await bed.drain();
  return bed;
}

/** However a call breaks, everybody else is served once and in order, and nothing is left of anybody. */
Deno.test("slots are given in order and given back wherever a handler breaks", async (t) => {
  const db = await memoryDatabase();
  const calm = await play(db);
  assert.deepEqual(calm.served, ["v1", "P3", "v2", "v4"]);
  assert.deepEqual(await calm.rows(), []);
  let cases = 0;
  for (const kind of FAULT_KINDS) {
    await t.step(kind, async () => {
      for (const [call, operations] of calm.operations.entries()) {
        for (let at = 0; at < operations; at++) {
          const broken = await play(db, { call, at, kind });
          const where = `${kind} at call ${call}, operation ${at}`;
          cases++;
          const final = kind === "refused" || kind === "failed_late";
          assert.ok(broken.failed.length <= (final ? 1 : 0), where);
          // Where one has failed, those that came before the others may build before them.
          if (final) {
            assert.deepEqual([...broken.served, ...broken.failed].sort(), calm.served.toSorted(), where);
          } else assert.deepEqual(broken.served, calm.served, where);
          // A release that was refused leaves a row that counts for nothing, until a build asks again.
          if (!final) assert.deepEqual([broken.rechecks, await broken.rows()], [0, []], where);
          assert.deepEqual(await broken.ask(await broken.create("P9")), { kind: "granted" }, where);
          assert.deepEqual(await broken.rows(), ["P9 holding"], where);
        }
      }
    });
  }
  await t.step(`${cases} cases of operation x fault`, () => assert.ok(cases > 50));
  await db.close();
});

const test = testOnCtrlDatabases();

test("a queue tells who is ahead, who builds, and when that changes", async (db) => {
  const bed = new Bed(db, await seedProject(db), {});
  const [v1, v2] = [await bed.create("v1"), await bed.create("v2")];
  assert.deepEqual(await bed.ask(v1), { kind: "granted" });
  assert.deepEqual(await bed.ask(v2), { kind: "waiting", recheckMs: SLOT_LIMITS.recheckMs });
  assert.equal(await bed.status(v2), "queued");
  assert.equal(
    await bed.message(v2),
    "Waiting for a build slot: next in line, running now: v1 of shop (preview).",
  );
  const p3 = await bed.create("P3");
  await bed.ask(p3);
  assert.match(await bed.message(p3), /: next in line, /);
  assert.match(await bed.message(v2), /: 1 build ahead, running now: v1 /);
  await bed.end(v1);
  assert.deepEqual(bed.world.sent.map((each) => [each.handler, each.key, each.input]), [
    ["slotOffered", p3, { ticket: 1 }],
  ]);
  assert.match(await bed.message(v2), /: next in line, running now: P3 of shop \(production\)\.$/);
  assert.deepEqual(await bed.rows(), ["P3 offered", "v2 waiting"]);
});

test("an offer that is not taken, and a lease that runs out, go to the next build", async (db) => {
  const bed = new Bed(db, await seedProject(db), { leaseMs: 20_000 });
  const [v1, v2, v3] = [await bed.create("v1"), await bed.create("v2"), await bed.create("v3")];
  await bed.ask(v1);
  // Sooner than the usual interval: that is when the lease is over.
  assert.deepEqual(await bed.ask(v2), { kind: "waiting", recheckMs: 20_000 });
  await bed.ask(v3);
  bed.world.nowMs += 20_000;
  assert.equal((await bed.ask(v3))?.kind, "waiting");
  assert.deepEqual(await bed.rows(), ["v2 offered", "v3 waiting"]);
  bed.world.nowMs += SLOT_LIMITS.offerMs;
  assert.deepEqual(await bed.ask(v3), { kind: "granted" });
  // Late, and no worse off than before: its turn is by its creation.
  const p4 = await bed.create("v4");
  await bed.ask(p4);
  await bed.ask(v2);
  await bed.end(v3);
  assert.deepEqual(await bed.rows(), ["v2 offered", "v4 waiting"]);
});

test("asking twice, releasing twice and releasing before asking are harmless", async (db) => {
  const bed = new Bed(db, await seedProject(db), {});
  const [v1, v2] = [await bed.create("v1"), await bed.create("v2")];
  await bed.end(v1, "pending");
  assert.deepEqual(await bed.ask(v1), { kind: "granted" });
  assert.deepEqual(await bed.ask(v1), { kind: "granted" });
  assert.equal((await bed.ask(v2))?.kind, "waiting");
  assert.equal((await bed.ask(v2))?.kind, "waiting");
  assert.deepEqual(await bed.rows(), ["v1 holding", "v2 waiting"]);
  await bed.end(v1);
  await bed.end(v1);
  assert.deepEqual(await bed.ask(v2), { kind: "granted" });
  await bed.end(v1);
  assert.deepEqual(await bed.rows(), ["v2 holding"]);
});

test("a build that is final, cancelled or of another workspace gets no slot and keeps none", async (db) => {
  const bed = new Bed(db, await seedProject(db), { waitingMax: 2 });
  const [v1, v2, v3] = [await bed.create("v1"), await bed.create("v2"), await bed.create("v3")];
  await bed.ask(v1);
  await bed.ask(v2);
  await bed.ask(v3);
  assert.deepEqual(await bed.ask(await bed.create("v4")), { kind: "full" });
  // Killed from outside: its slot is not given back.
  await bed.setStatus(v1, "failed");
  await bed.setStatus(v2, "superseded");
  assert.deepEqual(await bed.ask(v2), { kind: "ended", status: "superseded" });
  assert.deepEqual(await bed.ask(v3), { kind: "granted" });
  assert.deepEqual(await bed.rows(), ["v3 holding"]);
  const v5 = await bed.create("v5");
  await db.kysely.updateTable("deployments").set({ cancel_requested_at: 1 }).where("id", "=", v5).execute();
  assert.deepEqual(await bed.ask(v5), { kind: "cancelled" });
  const steps = slotSteps(db, bed.world);
  assert.deepEqual((await steps.acquire("ws", { deploymentId: "d_no", ticket: 1 })).answer, {
    kind: "ended",
    status: "missing",
  });
  const other = await seedDeployment(db, await seedProject(db), { image: null });
  await assert.rejects(steps.acquire("ws", { deploymentId: other.id, ticket: 1 }), /not a deployment of/);
});

test("a workspace builds no more at once than an operator has set for it", async (db) => {
  const seed = await seedProject(db);
  const bed = new Bed(db, seed, { buildsMax: 3 });
  const [v1, v2, v3] = [await bed.create("v1"), await bed.create("v2"), await bed.create("v3")];
  const limit = { workspaceId: seed.workspaceId, name: "builds", value: 1, nowMs: 1 };
  await setWorkspaceLimit(db.kysely, limit);
  for (const id of [v1, v2, v3]) await bed.ask(id);
  assert.deepEqual(await bed.rows(), ["v1 holding", "v2 waiting", "v3 waiting"]);
});

/** Without the object in front of them, which would let them in one by one. */
test("builds that ask at once never get more slots than there are", async (db) => {
  const seed = await seedProject(db);
  const world = newWorld();
  const steps = slotSteps(db, world, { buildsMax: 3 });
  const ids: string[] = [];
  for (let count = 0; count < 12; count++) {
    ids.push((await seedDeployment(db, seed, { image: null, git_branch: `b${count}` })).id);
  }
  const answers = await Promise.all(ids.map(async (deploymentId) => {
    return (await steps.acquire(seed.workspaceId, { deploymentId, ticket: 1 })).answer.kind;
  }));
  const rows = await listBuildSlots(db.kysely, [seed.workspaceId]);
  assert.equal(rows.length, 12);
  assert.equal(rows.filter((row) => row.state !== "waiting").length, 3);
  assert.ok(answers.filter((kind) => kind === "granted").length <= 3);
  await Promise.all(ids.map((id) => steps.release(seed.workspaceId, id)));
  assert.deepEqual(await listBuildSlots(db.kysely, [seed.workspaceId]), []);
});
