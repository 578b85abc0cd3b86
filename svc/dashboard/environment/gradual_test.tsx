/** Gradual switches as text, and the calls of their acts. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { renderToString } from "preact-render-to-string";
import { DeploymentService } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import {
  GradualState,
  type GradualSwitch,
  GradualSwitchSchema,
} from "../../../proto/gen/ctrl/v1/gradual_switch_pb.ts";
import { Gradual, gradualActs } from "./gradual.tsx";

const NOW = 1_800_000_000_000;
const HOSTILE = `<img src=x onerror="alert(1)">\x1b[31m`;

function gradualOf(changes: MessageInitShape<typeof GradualSwitchSchema> = {}): GradualSwitch {
  return create(GradualSwitchSchema, {
    id: "gs_1",
    fromDeploymentId: "d_1",
    toDeploymentId: "d_2",
    state: GradualState.RUNNING,
    percent: 10,
    steps: [10, 50],
    step: 0,
    everyMs: 120_000n,
    stepStartedAt: BigInt(NOW - 30_000),
    ...changes,
  });
}

/** A control plane that notes the gradual switches that it was asked to act on. */
function noting() {
  const asked: string[] = [];
  const note = (text: string): Record<string, never> => {
    asked.push(text);
    return {};
  };
  const transport = createRouterTransport((router) =>
    void router.service(DeploymentService, {
      advanceGradualSwitch: ({ gradualSwitchId }) => note(`next ${gradualSwitchId}`),
      abortGradualSwitch: ({ gradualSwitchId }) => note(`abort ${gradualSwitchId}`),
    })
  );
  return { asked, api: { deployments: createClient(DeploymentService, transport) } };
}

function htmlOf(switches: readonly GradualSwitch[]): string {
  const { api } = noting();
  return renderToString(<Gradual api={api} switches={switches} nowMs={NOW} onAct={() => undefined} />);
}

function textOf(switches: readonly GradualSwitch[]): string {
  return htmlOf(switches).replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ").trim();
}

Deno.test("a gradual switch that runs shows its step, the shares, and the evidence of both versions", () => {
  const evidence = {
    next: { requests: 200n, failed: 9n, p95Ms: 42.4 },
    live: { requests: 1_800n, failed: 2n },
  };
  const text = textOf([gradualOf({ step: 1, percent: 50, sticky: true, evidence })]);
  assert.match(
    text,
    /d_2 gets 50 % of the requests, d_1 the others\. 10 % 50 % 100 % this step since 30 s ago/,
  );
  assert.match(text, /a step each 2 min browsers stay with their version/);
  assert.match(text, /d_2 new 200 9 \(4\.5 %\) 42 ms d_1 live 1800 2 \(0\.1 %\) –/);
  assert.match(text, /Next step Abort unkey promote d_2 --next/);
  assert.match(
    htmlOf([gradualOf({ step: 1 })]),
    /aria-current="step"[^>]*>50 %/,
  );
  assert.match(textOf([gradualOf({ everyMs: 0n })]), /each step is ordered No requests are counted yet\./);
});

Deno.test("ended gradual switches show why they ended, as text, and none says how one begins", () => {
  const reason = `5 of 60 requests failed. ${HOSTILE}`;
  const ended = gradualOf({ state: GradualState.ABORTED, endedAt: BigInt(NOW - 60_000), reason });
  const html = htmlOf([ended]);
  assert.match(textOf([ended]), /None runs\./);
  assert.match(textOf([ended]), /1 min ago d_2 aborted 5 of 60 requests failed\./);
  for (const each of ["<img", "\x1b"]) assert.ok(!html.includes(each), each);
  assert.match(textOf([]), /unkey promote &lt;deployment> --gradual/);
});

Deno.test("each act on a gradual switch names its command, and calls the control plane", async () => {
  const { asked, api } = noting();
  const options = { signal: new AbortController().signal };
  const acts = gradualActs(api, gradualOf());
  for (const act of acts) await act.run(options);
  assert.deepEqual(asked, ["next gs_1", "abort gs_1"]);
  assert.deepEqual(acts.map(({ title, command }) => [title, command]), [
    ["Next step: 50 % to d_2", "unkey promote d_2 --next"],
    ["Abort the gradual switch to d_2?", "unkey promote d_2 --abort"],
  ]);
  const [last] = gradualActs(api, gradualOf({ step: 1 }));
  assert.equal(last.title, "Next step: 100 % to d_2");
});
