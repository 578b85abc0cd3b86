import assert from "node:assert/strict";
import { execute, FAULT_KINDS } from "../../../../pkg/testkit/fake_durable.ts";
import { orThrow } from "../testing.ts";
import type { Looked, OpenApiSteps, Target } from "./types.ts";
import { scrapeSpec } from "./workflow.ts";

const FOUND: Target = { kind: "found", hostname: "shop.localhost", path: "/openapi.json" };
const LATER: Looked = { kind: "later", problem: "it is answered with 502." };

/** Steps with these answers; what is to be kept is gathered. */
function stepsOf(target: Target, ...looks: readonly Looked[]) {
  const given: string[] = [];
  let asked = 0;
  const steps: OpenApiSteps = {
    find: () => Promise.resolve(target),
    look: () => Promise.resolve(looks[Math.min(asked++, looks.length - 1)] ?? LATER),
    giveUp: (_look, problem) => Promise.resolve(void given.push(problem)),
  };
  return { steps, given, asked: () => asked };
}

const run = (steps: OpenApiSteps, options = {}) =>
  execute((durable) => scrapeSpec(durable, steps, { deploymentId: "d_1" }), options);

Deno.test("a look keeps its result, and an app without a path gets no request", async (t) => {
  const cases = [
    ["a document", FOUND, [{ kind: "stored" }], "stored", 1],
    ["no document", FOUND, [{ kind: "none" }], "none", 1],
    ["a name that moved on", FOUND, [{ kind: "moved" }], "gone", 1],
    ["an app that is late", FOUND, [LATER, LATER, { kind: "stored" }], "stored", 3],
    ["no path", { kind: "gone" }, [], "gone", 0],
  ] as const;
  for (const [name, target, looks, status, times] of cases) {
    await t.step(name, async () => {
      const { steps, given, asked } = stepsOf(target, ...looks);
      assert.deepEqual(orThrow(await run(steps)), { status });
      assert.deepEqual([asked(), given], [times, []]);
    });
  }
});

Deno.test("a look gives up after less than a minute of pauses, and keeps the last reason", async () => {
  const { steps, given, asked } = stepsOf(FOUND, LATER);
  assert.deepEqual(orThrow(await run(steps)), { status: "none" });
  assert.deepEqual([asked(), given], [5, ["it is answered with 502."]]);
});

Deno.test("a look that breaks anywhere ends as an unbroken one", async () => {
  const looks = [LATER, { kind: "stored" }] as const;
  const { names, result } = await run(stepsOf(FOUND, ...looks).steps);
  let cases = 0;
  for (const kind of FAULT_KINDS) {
    if (kind === "refused" || kind === "failed_late") continue;
    for (const at of names.keys()) {
      const broken = await run(stepsOf(FOUND, ...looks).steps, { fault: { kind, at } });
      assert.deepEqual(broken.result, result, `${kind} at ${at}`);
      cases++;
    }
  }
  assert.ok(cases >= 12, `${cases} cases`);
});
