import { create, type MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import {
  DeploymentSchema,
  DeploymentService,
  DeploymentStatus,
  type Switch,
  SwitchPath,
  SwitchSchema,
} from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { createClient, createRouterTransport, type ServiceImpl } from "@connectrpc/connect";
import { type Act, commandOf, perform, planLines, planOf } from "./acts.ts";

const SIGNAL = { signal: new AbortController().signal };

function deploymentOf(changes: MessageInitShape<typeof DeploymentSchema> = {}) {
  return create(DeploymentSchema, {
    id: "d_1",
    projectSlug: "shop",
    environmentSlug: "production",
    environmentLiveDeploymentId: "d_2",
    ...changes,
  });
}

function switchOf(changes: MessageInitShape<typeof SwitchSchema> = {}): Switch {
  return create(SwitchSchema, {
    fromDeploymentId: "d_2",
    toDeploymentId: "d_1",
    path: SwitchPath.INSTANT,
    hostnames: ["shop.example.com"],
    tookMs: 38n,
    ...changes,
  });
}

/** The client of a server that notes what it was asked. */
function apiOf(answers: Partial<ServiceImpl<typeof DeploymentService>>) {
  const transport = createRouterTransport((router) => void router.service(DeploymentService, answers));
  return { deployments: createClient(DeploymentService, transport) };
}

Deno.test("each act is named as the command that does the same", () => {
  const live = deploymentOf({ live: true });
  const commands: readonly (readonly [Act, boolean, string])[] = [
    ["cancel", false, "unkey cancel d_1"],
    ["promote", false, "unkey promote d_1"],
    ["gradual", false, "unkey promote d_1 --gradual"],
    ["rollback", false, "unkey rollback d_1"],
    ["rollback", true, "unkey rollback --project shop --env production"],
  ];
  for (const [act, isLive, command] of commands) {
    assert.equal(commandOf(act, isLive ? live : deploymentOf()), command);
  }
});

Deno.test("a plan says where traffic goes, which names move, and how long it may take", () => {
  assert.deepEqual(planLines("rollback", switchOf({ rolledBack: true })), [
    "Traffic moves from d_2 to d_1.",
    "Host names: shop.example.com.",
    "It runs: the traffic moves at once.",
    "New deployments do not go live until one is promoted.",
  ]);
  assert.match(
    planLines("promote", switchOf({ path: SwitchPath.COLD })).join(" "),
    /is started first.*go live again/,
  );
  assert.match(planLines("promote", switchOf({ path: SwitchPath.WARM })).join(" "), /are waited for/);
  assert.equal(planLines("promote", switchOf({ fromDeploymentId: "" }))[0], "Traffic moves to d_1.");
  assert.equal(planLines("promote", switchOf({ fromDeploymentId: "d_1" }))[0], "d_1 stays live.");
  assert.match(planLines("gradual", switchOf())[1] ?? "", /^It gets 10 % of the requests/);
  assert.match(planLines("cancel", undefined).join(), /taken back/);
  assert.deepEqual(planLines("promote", undefined), []);
});

Deno.test("a rollback of the live one goes to the one before, any other rollback to the one that is shown", async () => {
  const asked: unknown[] = [];
  const api = apiOf({
    planRollback: ({ sourceDeploymentId: from, targetDeploymentId: to }) => {
      asked.push([from, to]);
      return { plan: switchOf() };
    },
    rollback: ({ sourceDeploymentId: from, targetDeploymentId: to }) => {
      asked.push([from, to]);
      return { switched: switchOf() };
    },
  });
  await planOf(api, "rollback", deploymentOf({ live: true }), SIGNAL);
  await planOf(api, "rollback", deploymentOf(), SIGNAL);
  assert.equal(await perform(api, "rollback", deploymentOf(), SIGNAL), "Traffic moved to d_1 in 38 ms.");
  assert.deepEqual(asked, [["d_1", ""], ["d_2", "d_1"], ["d_2", "d_1"]]);
});

Deno.test("a promote in steps begins with a time for each step, and says what share there is", async () => {
  const asked: bigint[] = [];
  const api = apiOf({
    planPromote: () => ({ plan: switchOf() }),
    beginGradualSwitch: ({ everyMs }) => {
      asked.push(everyMs);
      return { gradualSwitch: { percent: 10 } };
    },
  });
  assert.equal((await planOf(api, "gradual", deploymentOf(), SIGNAL))?.toDeploymentId, "d_1");
  assert.match(await perform(api, "gradual", deploymentOf(), SIGNAL), /^d_1 gets 10 % of the requests\./);
  assert.deepEqual(asked, [120_000n]);
});

Deno.test("promote and cancel answer with what has happened", async () => {
  const api = apiOf({
    planPromote: () => ({ plan: switchOf() }),
    promote: () => ({ switched: switchOf({ tookMs: 1_200n }) }),
    cancelDeployment: ({ deploymentId }) =>
      deploymentId === "d_1"
        ? { status: DeploymentStatus.CANCELLED }
        : { status: DeploymentStatus.READY, rolledBack: switchOf({ toDeploymentId: "d_0" }) },
  });
  assert.equal((await planOf(api, "promote", deploymentOf(), SIGNAL))?.toDeploymentId, "d_1");
  assert.equal(await planOf(api, "cancel", deploymentOf(), SIGNAL), undefined);
  assert.equal(await perform(api, "promote", deploymentOf(), SIGNAL), "Traffic moved to d_1 in 1.2 s.");
  assert.equal(await perform(api, "cancel", deploymentOf(), SIGNAL), "It is cancelled.");
  assert.match(await perform(api, "cancel", deploymentOf({ id: "d_3" }), SIGNAL), /^Traffic moved to d_0/);
});
