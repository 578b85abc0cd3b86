import assert from "node:assert/strict";
import {
  cancelProblem,
  type GatedDeployment,
  type GatedEnvironment,
  isCancellable,
  promoteProblem,
  rollbackProblem,
} from "./gates.ts";

const PRODUCTION: GatedEnvironment = {
  id: "env_prod",
  slug: "production",
  liveDeploymentId: "d_live",
  rolledBack: false,
};

function deployment(changes: Partial<GatedDeployment> = {}): GatedDeployment {
  return {
    id: "d_target",
    projectId: "proj_1",
    environmentId: "env_prod",
    status: "ready",
    runningInstances: 1,
    ...changes,
  };
}

Deno.test("promoteProblem()", async (t) => {
  const cases: [string, Partial<GatedDeployment>, Partial<GatedEnvironment>, RegExp | undefined][] = [
    ["allows a ready deployment that runs", {}, {}, undefined],
    ["refuses another environment's", { environmentId: "env_preview" }, {}, /another environment/],
    ["refuses where nothing is live yet", {}, { liveDeploymentId: undefined }, /no live deployment/],
    ["refuses what is live already", { id: "d_live" }, {}, /live already/],
    ["confirms what a rollback made live", { id: "d_live" }, { rolledBack: true }, undefined],
    ["refuses a failed one", { status: "failed" }, {}, /is failed/],
    ["refuses one that is still building", { status: "building" }, {}, /is building/],
    ["refuses one without instances", { runningInstances: 0 }, {}, /No instance/],
  ];
  for (const [name, target, environment, want] of cases) {
    await t.step(name, () => {
      const problem = promoteProblem(deployment(target), { ...PRODUCTION, ...environment });
      if (want === undefined) assert.equal(problem, undefined);
      else assert.match(problem ?? "", want);
    });
  }
});

Deno.test("rollbackProblem()", async (t) => {
  const cases: [string, Partial<GatedDeployment>, Partial<GatedDeployment>, RegExp | undefined][] = [
    ["allows an earlier ready one", {}, {}, undefined],
    ["refuses the same one", { id: "d_live" }, {}, /the same deployment/],
    ["refuses another project's", { projectId: "proj_2" }, {}, /different projects/],
    ["refuses another environment's", { environmentId: "env_preview" }, {}, /different environments/],
    ["refuses a source that is not live", {}, { id: "d_other" }, /not the live one/],
    ["refuses a failed target", { status: "failed" }, {}, /is failed/],
    ["refuses a target without instances", { runningInstances: 0 }, {}, /No instance/],
  ];
  for (const [name, target, source, want] of cases) {
    await t.step(name, () => {
      const problem = rollbackProblem(
        deployment({ id: "d_live", ...source }),
        deployment(target),
        PRODUCTION,
      );
      if (want === undefined) assert.equal(problem, undefined);
      else assert.match(problem ?? "", want);
    });
  }
});

Deno.test("only what still moves can be cancelled, and a ready deployment says what to do instead", () => {
  assert.match(cancelProblem({ id: "d_1", status: "ready" }) ?? "", /roll back/);
  assert.equal(cancelProblem({ id: "d_1", status: "cancelled" }), undefined);
  assert.equal(isCancellable("building"), true);
  assert.equal(isCancellable("cancelled"), false);
});
