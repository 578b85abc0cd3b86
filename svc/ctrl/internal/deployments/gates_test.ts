import assert from "node:assert/strict";
import {
  cancelAct,
  type GatedDeployment,
  type GatedEnvironment,
  promoteRefusal,
  redeployRefusal,
  type Refusal,
  rollbackRefusal,
  servingRefusal,
  startRefusal,
  type StopFacts,
  stopRefusal,
  switchPath,
} from "./gates.ts";
import type { DeploymentStatus } from "./status.ts";

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
    imageRemoved: false,
    gitCommitSha: "",
    ...changes,
  };
}

const NO_TRAFFIC: StopFacts = { serves: [], isProduction: false, confirmed: false };

type Want = readonly [Refusal["code"], RegExp] | undefined;
const no = (text: RegExp): Want => ["failed_precondition", text];
const wrong = (text: RegExp): Want => ["invalid_argument", text];

function check(refusal: Refusal | undefined, want: Want): void {
  if (want === undefined) return assert.equal(refusal, undefined);
  assert.equal(refusal?.code, want[0]);
  assert.match(refusal?.message ?? "", want[1]);
}

Deno.test("promoteRefusal()", async (t) => {
  const cases: [string, Partial<GatedDeployment>, Partial<GatedEnvironment>, Want][] = [
    ["allows another deployment", {}, {}, undefined],
    ["refuses another environment's", { environmentId: "env_preview" }, {}, wrong(/another environment/)],
    ["refuses where nothing is live yet", {}, { liveDeploymentId: undefined }, no(/no live deployment/)],
    ["refuses what is live already", { id: "d_live" }, {}, no(/live already/)],
    ["confirms what a rollback made live", { id: "d_live" }, { rolledBack: true }, undefined],
    ["promotes another one out of a rollback", {}, { rolledBack: true }, undefined],
  ];
  for (const [name, target, environment, want] of cases) {
    await t.step(
      name,
      () => check(promoteRefusal(deployment(target), { ...PRODUCTION, ...environment }), want),
    );
  }
});

Deno.test("rollbackRefusal()", async (t) => {
  const cases: [
    string,
    Partial<GatedDeployment>,
    Partial<GatedDeployment>,
    Partial<GatedEnvironment>,
    Want,
  ][] = [
    ["allows an earlier one", {}, {}, {}, undefined],
    ["allows another one while rolled back", {}, {}, { rolledBack: true }, undefined],
    ["refuses the same one", { id: "d_live" }, {}, {}, wrong(/the same deployment/)],
    ["refuses another project's", { projectId: "proj_2" }, {}, {}, wrong(/different projects/)],
    ["refuses another environment's", { environmentId: "env_2" }, {}, {}, wrong(/different environments/)],
    [
      "refuses two of another environment",
      { environmentId: "env_2" },
      { environmentId: "env_2" },
      {},
      wrong(/another environment/),
    ],
    ["refuses a source that is not live", {}, { id: "d_other" }, {}, no(/not the live one.*d_live/)],
    ["refuses where nothing is live", {}, {}, { liveDeploymentId: undefined }, no(/that is none/)],
  ];
  for (const [name, target, source, environment, want] of cases) {
    await t.step(name, () => {
      const from = deployment({ id: "d_live", ...source });
      check(rollbackRefusal(from, deployment(target), { ...PRODUCTION, ...environment }), want);
    });
  }
});

const STATUSES: readonly DeploymentStatus[] = [
  "pending",
  "queued",
  "building",
  "deploying",
  "network",
  "ready",
  "failed",
  "cancelled",
  "superseded",
  "stopped",
];

/** Every status has an answer at every gate. */
Deno.test("what each status allows", async (t) => {
  const active = {
    path: /as soon as it is ready/,
    start: /about to run/,
    stop: /unkey cancel/,
    cancel: "stop_workflow",
  };
  const over = { path: /was ready/, start: /was never ready/, stop: /nothing of it runs/, cancel: "nothing" };
  const want: Record<DeploymentStatus, {
    readonly path: string | RegExp;
    readonly start: RegExp | undefined;
    readonly stop: RegExp | undefined;
    readonly cancel: string;
  }> = {
    pending: active,
    queued: active,
    building: active,
    deploying: active,
    network: active,
    ready: { path: "instant", start: undefined, stop: undefined, cancel: "refused" },
    failed: over,
    cancelled: over,
    superseded: over,
    stopped: { path: "cold", start: undefined, stop: undefined, cancel: "nothing" },
  };
  for (const status of STATUSES) {
    await t.step(status, () => {
      const target = deployment({ status });
      const { path, start, stop, cancel } = want[status];
      const found = switchPath(target);
      if (typeof path === "string") assert.equal(found, path);
      else check(typeof found === "string" ? undefined : found, no(path));
      check(startRefusal(target), start && no(start));
      check(stopRefusal(target, NO_TRAFFIC), stop && no(stop));
      assert.equal(cancelAct(target, { live: false, cancelRequested: false }).kind, cancel);
      check(servingRefusal(target), status === "ready" ? undefined : no(new RegExp(`is ${status}`)));
    });
  }
});

Deno.test("a ready deployment without instances cannot serve at once, but soon", () => {
  const target = deployment({ runningInstances: 0 });
  check(servingRefusal(target), no(/No instance/));
  assert.equal(switchPath(target), "warm");
});

Deno.test("a stopped deployment without its image never runs again, and the text says what does", () => {
  const target = deployment({ status: "stopped", imageRemoved: true });
  const known = deployment({ status: "stopped", imageRemoved: true, gitCommitSha: "0a1b2c3" });
  for (
    const { text, of } of [
      { text: /^The image of deployment d_target was removed.*"unkey deploy" builds it anew\.$/, of: target },
      {
        text: /^The image of deployment d_target was removed.*"git checkout 0a1b2c3", then "unkey deploy"\.$/,
        of: known,
      },
    ]
  ) {
    const path = switchPath(of);
    check(typeof path === "string" ? undefined : path, no(text));
    check(startRefusal(of), no(text));
    check(redeployRefusal({ ...of, image: "unkey.local/ws/p:1" }), no(text));
  }
  // One that runs is not in need of its image to serve, and a start of it does nothing.
  assert.equal(switchPath(deployment({ imageRemoved: true })), "instant");
});

Deno.test("redeployRefusal() wants an image", () => {
  assert.equal(redeployRefusal({ ...deployment(), image: "nginx:1" }), undefined);
  check(redeployRefusal({ ...deployment(), image: "" }), no(/has no image.*"unkey deploy" builds one/));
});

Deno.test("stopRefusal() says what the deployment serves, and how a preview is ended all the same", () => {
  const preview = { serves: ["shop-git-a.example", "b.example"], isProduction: false, confirmed: false };
  check(
    stopRefusal(deployment(), preview),
    no(/serves shop-git-a.example, b.example\. .*"unkey stop d_target --yes"/),
  );
  assert.equal(stopRefusal(deployment(), { ...preview, confirmed: true }), undefined);
  const production = { serves: ["shop.example"], isProduction: true, confirmed: true };
  check(
    stopRefusal(deployment(), production),
    no(/serves shop.example: deploy, promote or roll back to another/),
  );
  assert.equal(stopRefusal(deployment({ status: "stopped" }), preview), undefined);
});

Deno.test("cancelAct() of a ready deployment depends on whether it is live", () => {
  const ready = deployment();
  assert.equal(cancelAct(ready, { live: true, cancelRequested: false }).kind, "roll_back");
  assert.equal(cancelAct(ready, { live: true, cancelRequested: true }).kind, "roll_back");
  // The second one of two cancels finds the work of the first.
  assert.equal(cancelAct(ready, { live: false, cancelRequested: true }).kind, "nothing");
  const act = cancelAct(ready, { live: false, cancelRequested: false });
  check(act.kind === "refused" ? act.refusal : undefined, no(/unkey stop d_target/));
});
