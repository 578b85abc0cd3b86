import assert from "node:assert/strict";
import { planQueue, positionToReport, type QueuedBuild, turnAt } from "./plan.ts";

const NOW = 1_000_000;
const AGEING = 10_000;

/** A build by its name: `P100` is a production build that came 100 ms before now, `v` a preview. */
function build(name: string, changes: Partial<QueuedBuild> = {}): QueuedBuild {
  const enqueuedAtMs = NOW - Number(name.slice(1));
  const turnAtMs = turnAt({ production: name.startsWith("P"), enqueuedAtMs }, AGEING);
  return {
    id: name,
    enqueuedAtMs,
    turnAtMs,
    state: "waiting",
    leaseUntilMs: undefined,
    alive: true,
    ...changes,
  };
}

const holding = (name: string, changes: Partial<QueuedBuild> = {}): QueuedBuild =>
  build(name, { state: "holding", leaseUntilMs: NOW + 1, ...changes });

Deno.test("planQueue() gives slots in turn, and never too many", async (t) => {
  const cases: readonly {
    readonly name: string;
    readonly builds: readonly QueuedBuild[];
    readonly capacity?: number;
    readonly plan: Partial<ReturnType<typeof planQueue>>;
  }[] = [
    { name: "an empty queue", builds: [], plan: {} },
    { name: "a lone build", builds: [build("v0")], plan: { next: ["v0"] } },
    {
      name: "first come, first served",
      builds: [build("v1"), build("v3"), build("v2")],
      plan: { next: ["v3"], waiting: ["v2", "v1"] },
    },
    {
      name: "production overtakes previews",
      builds: [build("v5"), build("v4"), build("P1"), build("P2")],
      plan: { next: ["P2"], waiting: ["P1", "v5", "v4"] },
    },
    {
      name: "a preview that has aged is not overtaken",
      builds: [build("v10002"), build("v9000"), build("P1")],
      plan: { next: ["v10002"], waiting: ["P1", "v9000"] },
    },
    {
      name: "a build that holds a slot keeps it when others come",
      builds: [holding("v9"), build("P1")],
      plan: { kept: ["v9"], waiting: ["P1"] },
    },
    {
      name: "an offer counts as a slot",
      builds: [holding("v9", { state: "offered" }), build("P1")],
      plan: { kept: ["v9"], waiting: ["P1"] },
    },
    {
      name: "a slot whose lease is over goes to the next",
      builds: [holding("v9", { leaseUntilMs: NOW }), build("v1")],
      plan: { gone: ["v9"], next: ["v1"] },
    },
    {
      name: "a final build frees its slot before its lease ends",
      builds: [holding("v9", { alive: false }), build("v1")],
      plan: { gone: ["v9"], next: ["v1"] },
    },
    {
      name: "a build that became final while it waited is passed over",
      builds: [build("v9", { alive: false }), build("v1")],
      plan: { gone: ["v9"], next: ["v1"] },
    },
    {
      name: "two slots",
      capacity: 2,
      builds: [holding("v9"), build("v1"), build("v2"), build("v3")],
      plan: { kept: ["v9"], next: ["v3"], waiting: ["v2", "v1"] },
    },
    {
      name: "fewer slots than are held: every build keeps its slot",
      builds: [holding("v9"), holding("v8"), build("P1")],
      plan: { kept: ["v9", "v8"], waiting: ["P1"] },
    },
    {
      name: "named twice, counted once",
      capacity: 2,
      builds: [build("v1"), build("v1"), build("v0")],
      plan: { next: ["v1", "v0"] },
    },
    {
      name: "the same moment",
      builds: [build("v1", { id: "b" }), build("v1", { id: "a" })],
      plan: { next: ["a"], waiting: ["b"] },
    },
  ];
  for (const { name, builds, capacity = 1, plan } of cases) {
    await t.step(name, () => {
      assert.deepEqual(planQueue(builds, capacity, NOW), {
        gone: [],
        kept: [],
        next: [],
        waiting: [],
        ...plan,
      });
    });
  }
});

/** Small, seeded and good enough: a failure can be run again. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}

/**
 * Previews and production builds arrive, hold slots for random times, die with and without a trace. No build may wait
 * behind a build that came more than the ageing time later, or behind a younger one of the same kind.
 */
Deno.test("planQueue() starves no build and never gives more slots than there are, in any order of events", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = randomOf(seed);
    const capacity = 1 + random(3);
    let builds: QueuedBuild[] = [];
    let [nowMs, count] = [0, 0];
    const production = new Map<string, boolean>();
    const served = new Set<string>();
    const where = (id: string): string => `seed ${seed}, ${id} at ${nowMs}`;
    const apply = (): void => {
      const before = builds;
      const plan = planQueue(builds, capacity, nowMs);
      const out = new Set(plan.gone);
      const next = new Set(plan.next);
      builds = builds.filter((each) => !out.has(each.id)).map((each) =>
        next.has(each.id) ? { ...each, state: "holding", leaseUntilMs: nowMs + 1 + random(4_000) } : each
      );
      const held = builds.filter((each) => each.state !== "waiting").length;
      assert.ok(held <= capacity, where("capacity"));
      assert.ok(held === capacity || plan.waiting.length === 0, where("a slot is free and a build waits"));
      const all = [...plan.gone, ...plan.kept, ...plan.next, ...plan.waiting];
      assert.deepEqual([...all].sort(), before.map((each) => each.id).sort(), where("a build is lost"));
      for (const id of plan.next) {
        served.add(id);
        const given = before.find((each) => each.id === id);
        for (const behind of builds.filter((each) => each.state === "waiting")) {
          const late = (given?.enqueuedAtMs ?? 0) - behind.enqueuedAtMs;
          const same = production.get(id) === production.get(behind.id);
          const overtook = late > 0 && (same || production.get(behind.id) || late > AGEING);
          assert.ok(!overtook, where(`${id} overtook ${behind.id} by ${late} ms`));
        }
      }
    };
    for (let step = 0; step < 60; step++) {
      nowMs += random(2_000);
      const choice = random(10);
      if (choice < 6) {
        const id = `${seed}-${count++}`;
        production.set(id, random(2) === 0);
        const turnAtMs = turnAt({ production: production.get(id) === true, enqueuedAtMs: nowMs }, AGEING);
        builds.push({
          id,
          turnAtMs,
          enqueuedAtMs: nowMs,
          state: "waiting",
          leaseUntilMs: undefined,
          alive: true,
        });
      } else if (choice < 8) {
        builds.splice(random(builds.length), 1);
      } else {
        const at = random(builds.length);
        builds = builds.map((each, index) => index === at ? { ...each, alive: false } : each);
      }
      apply();
    }
    // Nothing more arrives: leases alone bring everybody to an end.
    for (let round = 0; builds.length > 0; round++) {
      assert.ok(round < 200, where("the queue does not drain"));
      nowMs += 4_001;
      apply();
    }
  }
});

Deno.test("positionToReport() is exact for a short queue and rounded in a long one", () => {
  assert.deepEqual([0, 1, 7, 8, 9, 15, 16, 1_000].map(positionToReport), [0, 1, 7, 8, 8, 8, 16, 512]);
  const positions = new Set(Array.from({ length: 1_000 }, (_, ahead) => positionToReport(ahead)));
  assert.ok(positions.size < 16, String(positions.size));
});
