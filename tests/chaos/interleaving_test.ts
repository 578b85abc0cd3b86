/** Random interleavings of everything that happens to one environment, with the invariants looked at after every step. */
import assert from "node:assert/strict";
import { Fault } from "../../pkg/fault/mod.ts";
import { listDeploymentViewsByIds } from "../../svc/ctrl/internal/store/mod.ts";
import { isFinal } from "../../svc/ctrl/internal/deployments/status.ts";
import { cancelDeployment } from "../../svc/ctrl/services/deployment/cancel.ts";
import { startDeployment } from "../../svc/ctrl/services/deployment/start.ts";
import { stopDeployment } from "../../svc/ctrl/services/deployment/stop.ts";
import { promote } from "../../svc/ctrl/services/deployment/promote.ts";
import { rollback } from "../../svc/ctrl/services/deployment/rollback.ts";
import { memoryDatabase } from "../../svc/ctrl/worker/testing.ts";
import { seeded } from "./simulation.ts";
import { SimulatedPlatform } from "./simulated_platform.ts";

const SEEDS = Number(Deno.env.get("UNKEY_TEST_SEEDS") ?? 20);
const STEPS = 500;
const ACTS_MAX = 80;
/** The actions that remain when no user acts any more. */
const DRAIN_STEPS_MAX = 20_000;

Deno.test("whatever interleaves, traffic leads to what is live and ready, and nothing runs that should not", async (t) => {
  let steps = 0;
  let acts = 0;
  const counts = new Map<string, number>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    await t.step(`seed ${seed}`, async () => {
      const done = await play(seed, counts);
      steps += done.steps;
      acts += done.acts.length;
    });
  }
  const shown = [...counts].sort().map(([name, number]) => `${number} ${name}`).join(", ");
  await t.step(`${steps} steps of ${acts} operations under ${SEEDS} seeds: ${shown}`, () => {
    // Otherwise the invariants were not put to the test.
    for (const each of WANTED) assert.ok((counts.get(each) ?? 0) > 0, `no ${each}`);
  });
});

interface Played {
  readonly steps: number;
  readonly acts: readonly string[];
}

async function play(seed: number, counts: Map<string, number>): Promise<Played> {
  const random = seeded(seed);
  const db = await memoryDatabase();
  const acts: string[] = [];
  const trouble: unknown[] = [];
  const platform = await SimulatedPlatform.make(db, random);
  const direction = new Direction();
  let steps = 0;
  try {
    await platform.create();
    for (; steps < STEPS; steps++) {
      if (random() < 0.2 && acts.length < ACTS_MAX) await act(platform, random, acts, trouble);
      if (random() < 0.3) await platform.agentTurn();
      await platform.sim.tick();
      await checkAlways(platform);
      await direction.check(platform);
    }
    for (let drained = 0;; drained++, steps++) {
      assert.ok(drained < DRAIN_STEPS_MAX, "it never comes to rest");
      await platform.agentTurn();
      if (!await platform.sim.tick()) break;
      await checkAlways(platform);
      await direction.check(platform);
    }
    await checkAtRest(platform);
    await count(platform, counts);
    assert.deepEqual(trouble.map(String), [], "a use case failed with what is not a refusal");
    return { steps, acts };
  } catch (error) {
    throw new Error(`after ${steps} steps of seed ${seed}: ${acts.join("; ")}`, { cause: error });
  } finally {
    await db.close();
  }
}

/** Events that must occur at least once over all seeds. */
const WANTED = ["promote", "rollback", "stop", "start", "cancel", "ready", "failed", "cancelled", "stopped"];

async function count(
  { db: { kysely }, seed }: SimulatedPlatform,
  counts: Map<string, number>,
): Promise<void> {
  const audit = await kysely.selectFrom("audit_log").select("action")
    .where("environment_id", "=", seed.productionId).execute();
  const rows = await kysely.selectFrom("deployments").select("status")
    .where("environment_id", "=", seed.productionId).execute();
  for (
    const name of [
      ...audit.map(({ action }) => action.replace("deployment.", "")),
      ...rows.map((row) => row.status),
    ]
  ) {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
}

/** The actions of users, through the use cases that the API calls. A refusal is an answer; any other error fails the test. */
async function act(
  platform: SimulatedPlatform,
  random: () => number,
  acts: string[],
  trouble: unknown[],
): Promise<void> {
  const { deps, caller, ids, seed } = platform;
  const at = Math.floor(random() * ids.length);
  const id = ids[at] ?? "";
  const { signal } = new AbortController();
  const nobody = { sourceId: "", targetId: "", projectId: seed.projectId, environmentSlug: "" };
  const choices: Readonly<Record<string, () => Promise<unknown>>> = {
    deploy: () => platform.create(),
    "deploy again": () => platform.create(),
    promote: () => promote(deps, caller, id, signal),
    // Ends a rollback, in which most of the time would pass otherwise.
    "accept the live one": async () => {
      const { environment } = await look(platform);
      await promote(deps, caller, environment.live_deployment_id ?? "", signal);
    },
    "accept what is live": () => choices["accept the live one"]?.() ?? Promise.resolve(),
    rollback: () => rollback(deps, caller, { ...nobody, targetId: id }, signal),
    "roll back one": () => rollback(deps, caller, nobody, signal),
    cancel: () => cancelDeployment(deps, caller, id, signal),
    "cancel the newest": () => cancelDeployment(deps, caller, ids.at(-1) ?? "", signal),
    stop: () => stopDeployment(deps, caller, { deploymentId: id, confirmed: false }, signal),
    start: () => startDeployment(deps, caller, id, signal),
  };
  const names = Object.keys(choices);
  const name = names[Math.floor(random() * names.length)] ?? "deploy";
  acts.push(`${name} d${at + 1}`);
  const outcome = choices[name]?.().catch((error: unknown) => {
    const refusal = error instanceof Fault &&
      ["failed_precondition", "invalid_argument", "cancelled", "unavailable"].includes(error.code);
    if (!refusal) trouble.push(error);
  });
  // Creating is done when it returns; the others go on among everything else.
  if (name.startsWith("deploy")) await outcome;
}

async function look(platform: SimulatedPlatform) {
  const { db: { kysely }, ids, seed } = platform;
  const environment = await kysely.selectFrom("environments").selectAll()
    .where("id", "=", seed.productionId).executeTakeFirstOrThrow();
  const routes = await kysely.selectFrom("frontline_routes").select(["sticky", "deployment_id", "hostname"])
    .where("environment_id", "=", seed.productionId).execute();
  const rows = await kysely.selectFrom("deployments").select(["id", "status", "sequence"])
    .where("environment_id", "=", seed.productionId).execute();
  const topology = await kysely.selectFrom("deployment_topology").select(["deployment_id", "desired_status"])
    .where("deployment_id", "in", [...ids, ""]).execute();
  const started = new Set(
    topology.filter((each) => each.desired_status === "started").map((each) => each.deployment_id),
  );
  return { environment, routes, rows, started };
}

/** Invariants after every step. */
async function checkAlways(platform: SimulatedPlatform): Promise<void> {
  const { environment, routes, rows, started } = await look(platform);
  const live = environment.live_deployment_id;
  const status = new Map(rows.map((row) => [row.id, row.status]));
  for (const { sticky, deployment_id: id } of routes) {
    if (sticky === "live" || sticky === "environment") {
      assert.equal(id, live, `the ${sticky} name leads elsewhere`);
    }
    const known = status.get(id);
    if (sticky !== "none") assert.equal(known, "ready", `the ${sticky} name leads to what is ${known}`);
    else {assert.ok(
        known === "ready" || known === "stopped" || known === "deploying",
        `a name of what is ${known}`,
      );}
  }
  if (live === null) {
    assert.equal(environment.is_rolled_back, 0);
    assert.ok(!rows.some((row) => row.status === "ready"), "something is ready and nothing is live");
  } else {
    assert.equal(status.get(live), "ready");
    assert.ok(started.has(live), "the live one is not to run");
    assert.deepEqual(routes.filter((each) => each.sticky === "live").length, 1);
  }
  for (const row of rows) {
    if (row.status === "ready") assert.ok(started.has(row.id), `${row.id} is ready and not to run`);
    else if (isFinal(row.status)) assert.ok(!started.has(row.id), `${row.id} is ${row.status} and is to run`);
  }
  const { db: { kysely }, ids, memory } = platform;
  const fresh = await listDeploymentViewsByIds(kysely, ids);
  assert.deepEqual(await listDeploymentViewsByIds(kysely, ids, memory), fresh, "an answer is stale");
}

/** Traffic goes to newer deployments by itself, and back only at a user's request. */
class Direction {
  #live: string | null = null;
  #asked = 0;

  async check(platform: SimulatedPlatform): Promise<void> {
    const { environment, rows } = await look(platform);
    const asked = (await platform.db.kysely.selectFrom("audit_log").select("id")
      .where("environment_id", "=", platform.seed.productionId)
      .where("action", "in", ["deployment.promote", "deployment.rollback"]).execute()).length;
    const sequence = (id: string | null): number => rows.find((row) => row.id === id)?.sequence ?? 0;
    const live = environment.live_deployment_id;
    const back = sequence(live) < sequence(this.#live);
    assert.ok(!back || asked > this.#asked, `${live} took the traffic of a newer one`);
    [this.#live, this.#asked] = [live, asked];
  }
}

/** Invariants at the end: nothing hangs, leaks, or waits for ever. */
async function checkAtRest(platform: SimulatedPlatform): Promise<void> {
  const { db: { kysely }, ids, seed } = platform;
  const { environment, routes, rows, started } = await look(platform);
  for (const row of rows) assert.ok(isFinal(row.status), `${row.id} is left ${row.status}`);
  const starts = await kysely.selectFrom("deployment_starts").selectAll().where("deployment_id", "in", ids)
    .execute();
  assert.deepEqual(starts, []);
  const slots = await kysely.selectFrom("build_slots").selectAll().where(
    "workspace_id",
    "=",
    seed.workspaceId,
  ).execute();
  assert.deepEqual(slots, []);
  const steps = await kysely.selectFrom("deployment_steps").select(["deployment_id", "name"])
    .where("status", "=", "running").execute();
  assert.deepEqual(steps, [], "a step runs for ever");
  const running = await kysely.selectFrom("instances").select("deployment_id").execute();
  for (const { deployment_id: id } of running) assert.ok(started.has(id), `${id} runs without being wanted`);
  assert.ok(environment.live_deployment_id === null || routes.length > 0);
}
