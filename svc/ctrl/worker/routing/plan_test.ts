import assert from "node:assert/strict";
import type { Domain } from "../../internal/deployments/domains.ts";
import {
  type Contender,
  inShownOrder,
  planRetirements,
  planRoutes,
  type RoutePlanInput,
  schedule,
} from "./plan.ts";

const DOMAINS: readonly Domain[] = [
  { hostname: "commit", sticky: "none", spare: "commit-spare" },
  { hostname: "branch", sticky: "branch" },
  { hostname: "env", sticky: "environment" },
  { hostname: "live", sticky: "live" },
];
const ME: Contender = { id: "d_5", sequence: 5 };

function other(sequence: number): Contender {
  return { id: `d_${sequence}`, sequence };
}

const TABLE: readonly {
  readonly name: string;
  readonly facts: Partial<RoutePlanInput>;
  readonly names: readonly string[];
  readonly live: boolean;
}[] = [
  { name: "the first of all", facts: {}, names: ["commit", "branch", "env", "live"], live: true },
  {
    name: "newer than the live one",
    facts: { liveSequence: 4 },
    names: ["commit", "branch", "env", "live"],
    live: true,
  },
  { name: "older than the live one", facts: { liveSequence: 6 }, names: ["commit", "branch"], live: false },
  {
    name: "while rolled back",
    facts: { liveSequence: 3, rolledBack: true },
    names: ["commit", "branch"],
    live: false,
  },
  { name: "in steps", facts: { liveSequence: 4, inSteps: true }, names: ["commit", "branch"], live: false },
  {
    name: "in steps while rolled back",
    facts: { liveSequence: 4, inSteps: true, rolledBack: true },
    names: ["commit", "branch"],
    live: false,
  },
  {
    name: "its branch has a newer one of the same environment",
    facts: { holders: new Map([["branch", other(6)]]) },
    names: ["commit", "env", "live"],
    live: true,
  },
  {
    name: "its branch has an older one",
    facts: { holders: new Map([["branch", other(4)]]) },
    names: ["commit", "branch", "env", "live"],
    live: true,
  },
  {
    name: "its commit's name belongs to another deployment for ever",
    facts: { holders: new Map([["commit", other(4)]]) },
    names: ["commit-spare", "branch", "env", "live"],
    live: true,
  },
  {
    name: "its commit's name is its own already",
    facts: { holders: new Map([["commit", ME]]) },
    names: ["commit", "branch", "env", "live"],
    live: true,
  },
];

Deno.test("planRoutes() (table)", async (t) => {
  for (const { name, facts, names, live } of TABLE) {
    await t.step(name, () => {
      const plan = planRoutes({
        contender: ME,
        rolledBack: false,
        inSteps: false,
        liveSequence: undefined,
        domains: DOMAINS,
        holders: new Map(),
        ...facts,
      });
      assert.deepEqual(plan.routes.map((route) => route.hostname), names);
      assert.equal(plan.live, live);
      assert.equal(plan.inSteps, facts.inSteps === true && facts.rolledBack !== true);
      assert.equal(plan.notice === undefined, live || plan.inSteps);
    });
  }
});

Deno.test("inShownOrder() begins with the name that people use", () => {
  assert.deepEqual(inShownOrder(DOMAINS).map((each) => each.hostname), ["live", "env", "branch", "commit"]);
});

Deno.test("planRetirements() keeps those that served last warm and spares the winner", async (t) => {
  const idle = [
    { id: "d_never", lastLive: 0 },
    { id: "d_2", lastLive: 2 },
    { id: "d_4", lastLive: 4 },
    { id: "d_5", lastLive: 5 },
  ];
  const times = { warmMs: 1_000, graceMs: 10, edgesMs: 0 };
  const cases: readonly [number, Readonly<Record<string, number>>][] = [
    [0, { d_4: 10, d_2: 10, d_never: 10 }],
    [1, { d_4: 1_000, d_2: 10, d_never: 10 }],
    [5, { d_4: 1_000, d_2: 1_000, d_never: 10 }],
  ];
  for (const [warmCount, want] of cases) {
    await t.step(`${warmCount} warm`, () => {
      const planned = planRetirements(idle, { displaced: "d_4", keep: "d_5" }, { ...times, warmCount });
      assert.deepEqual(Object.fromEntries(planned.map((each) => [each.deploymentId, each.delayMs])), want);
      assert.deepEqual(planned.filter((each) => each.renews).map((each) => each.deploymentId), ["d_4"]);
    });
  }
});

Deno.test("schedule() takes the sooner stop, unless the deployment was displaced again", () => {
  const soon = { id: "a", dueAtMs: 105 };
  const late = { id: "a", dueAtMs: 1_000 };
  const grace = { deploymentId: "d", delayMs: 10, renews: false };
  const warm = { deploymentId: "d", delayMs: 1_000, renews: true };
  assert.deepEqual(
    [
      schedule(grace, undefined, 100),
      schedule(grace, soon, 100),
      schedule(grace, late, 100),
      schedule(warm, soon, 100),
    ],
    [
      { dueAtMs: 110, switchedAtMs: 100 },
      undefined,
      { dueAtMs: 110, switchedAtMs: 100 },
      { dueAtMs: 1_100, switchedAtMs: 100 },
    ],
  );
});

/** Otherwise requests would have the less time, the sooner another deploy follows. */
Deno.test("schedule() counts from the switch that took the traffic, whatever comes after it", () => {
  const pushedOut = { deploymentId: "d", delayMs: 300, renews: false };
  const scheduled = { id: "a", dueAtMs: 2_000, switchedAtMs: 1_000 };
  assert.equal(schedule(pushedOut, scheduled, 1_050)?.dueAtMs, 1_300);
  assert.equal(schedule(pushedOut, scheduled, 1_299)?.dueAtMs, 1_300);
  assert.equal(schedule(pushedOut, scheduled, 1_900)?.dueAtMs, 1_900, "that time is over: now");
});
