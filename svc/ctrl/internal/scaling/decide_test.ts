import assert from "node:assert/strict";
import { decide, type Load, type Scaling, ScalingHistory } from "./mod.ts";

const SCALING: Scaling = { min: 1, max: 10, cpuPercent: undefined, concurrency: 10, downSeconds: 60 };
const SECOND_MS = 1_000;

function requests(concurrency: number, isComplete = true): Load {
  return { requests: { concurrency, isComplete } };
}

/** One placement whose number of instances is always what was decided. */
class World {
  readonly history = new ScalingHistory();
  nowMs = 1_000_000;

  constructor(public current: number, readonly scaling: Scaling = SCALING) {}

  look(load: Load, afterSeconds = 2): { readonly target: number; readonly reason: string } {
    this.nowMs += afterSeconds * SECOND_MS;
    const placement = { scaling: this.scaling, current: this.current, cpuMillicores: 500 };
    const decision = decide(placement, load, { history: this.history, nowMs: this.nowMs });
    this.current = decision.target;
    return decision;
  }

  /** Looks every 2 s, with the same load. */
  lookFor(load: Load, seconds: number): number {
    for (let passed = 0; passed < seconds; passed += 2) this.look(load);
    return this.current;
  }
}

Deno.test("a load above the target asks for instances at once, within the bounds and the tolerance", async (t) => {
  const cpu: Scaling = { ...SCALING, cpuPercent: 70, concurrency: undefined };
  const both: Scaling = { ...SCALING, cpuPercent: 50 };
  const used = (millicores: number, instances: number): Load => ({ cpu: { millicores, instances } });
  const cases: readonly [string, Scaling, number, Load, number][] = [
    ["requests for three", SCALING, 2, requests(25), 3],
    ["less than a tenth more than the target", SCALING, 2, requests(21.9), 2],
    ["more than a tenth", SCALING, 2, requests(22.1), 3],
    ["more than the maximum", { ...SCALING, max: 3 }, 2, requests(99), 3],
    ["twice as many, and no more within 15 s", SCALING, 5, requests(100), 10],
    ["four more, and no more within 15 s", SCALING, 1, requests(100), 5],
    ["CPU of all instances", cpu, 2, used(900, 2), 3],
    ["CPU within the tolerance", cpu, 2, used(750, 2), 2],
    ["CPU that could not be measured", cpu, 2, {}, 2],
    ["the larger of two needs", both, 2, { ...requests(60), ...used(100, 2) }, 6],
    ["the known one of two needs", both, 2, requests(60), 6],
    ["a sum without some edges", SCALING, 2, requests(40, false), 4],
    ["fewer than the minimum", { ...SCALING, min: 3 }, 1, {}, 3],
    ["more than a maximum that was lowered", { ...SCALING, max: 4 }, 8, requests(80), 4],
  ];
  for (const [name, scaling, current, load, expected] of cases) {
    await t.step(name, () => assert.equal(new World(current, scaling).look(load).target, expected));
  }
});

Deno.test("growth goes on after 15 s", () => {
  const world = new World(1);
  assert.equal(world.look(requests(100)).target, 5);
  assert.equal(world.lookFor(requests(100), 12), 5, "within the time");
  assert.equal(world.lookFor(requests(100), 6), 10);
});

Deno.test("fewer instances come only when nothing has needed more for the whole time", () => {
  const world = new World(6);
  assert.equal(world.lookFor(requests(15), 58), 6, "the first look counts as a need for all of them");
  assert.equal(world.lookFor(requests(15), 6), 2);
  assert.equal(world.look(requests(60)).target, 6, "at once");
  assert.equal(world.lookFor(requests(5), 30), 6);
  world.look(requests(38));
  assert.equal(world.lookFor(requests(5), 32), 4, "the largest need of the time");
  assert.equal(world.lookFor(requests(0), 60), 1, "never fewer than the minimum");
});

Deno.test("a load that is not known keeps the number, and the time begins anew", async (t) => {
  const both: Scaling = { ...SCALING, cpuPercent: 50 };
  const cases: readonly [string, Scaling, Load][] = [
    ["no report", SCALING, {}],
    ["an edge has not reported", SCALING, requests(1, false)],
    ["one of two targets is not measured", both, requests(1)],
    ["CPU of fewer instances than there are", { ...both, concurrency: undefined }, {
      cpu: { millicores: 10, instances: 5 },
    }],
  ];
  for (const [name, scaling, load] of cases) {
    await t.step(name, () => {
      const world = new World(6, scaling);
      assert.equal(world.lookFor(load, 600), 6);
      const known: Load = { ...requests(1), cpu: { millicores: 10, instances: 6 } };
      assert.equal(world.lookFor(known, 58), 6);
      assert.ok(world.lookFor(known, 6) < 6);
    });
  }
});

Deno.test("after a pause of the looks the time begins anew", () => {
  const world = new World(6);
  world.lookFor(requests(1), 50);
  assert.equal(world.look(requests(1), 120).target, 6);
  assert.equal(world.lookFor(requests(1), 58), 6);
  assert.equal(world.lookFor(requests(1), 6), 1);
});

Deno.test("instances that others have added stay for the whole time", () => {
  const world = new World(1);
  world.lookFor(requests(1), 120);
  world.current = 4;
  assert.equal(world.lookFor(requests(1), 60), 4);
  assert.equal(world.lookFor(requests(1), 4), 1);
});

Deno.test("the reason names the load, the target and what was waited for", () => {
  const up = new World(1);
  assert.equal(
    up.look(requests(25)).reason,
    "25.0 requests at a time, with a target of 10 per instance.",
  );
  const cpu: Scaling = { ...SCALING, cpuPercent: 70, concurrency: undefined };
  assert.equal(
    new World(1, cpu).look({ cpu: { millicores: 480, instances: 1 } }).reason,
    "96 % of the CPU of 1 instance in use, with a target of 70 %.",
  );
  assert.equal(new World(1, { ...SCALING, min: 2 }).look({}).reason, "The bounds are 2 and 10.");
  const down = new World(3);
  down.lookFor(requests(12), 60);
  assert.deepEqual(down.look(requests(12)), {
    target: 2,
    reason: "No more were needed for 60 s; now 12.0 requests at a time, with a target of 10 per instance.",
  });
});
