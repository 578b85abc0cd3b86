import { create, type MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { ReceiptState, TrafficSwitchSchema } from "../../proto/gen/ctrl/v1/traffic_switch_pb.ts";
import { SwitchPath } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { receiptJson, receiptText } from "./switch_receipt.ts";
import {
  access,
  deploymentOf,
  type FakeAnswers,
  NOW,
  onlyJson,
  startControlPlane,
  unkey,
} from "./testing.ts";

type Given = MessageInitShape<typeof TrafficSwitchSchema>;
type Receipt = NonNullable<Given["receipt"]>;

const EU = { edgeId: "edge-1", region: "eu", acknowledgedMs: 80n, counted: true };
const US = { edgeId: "edge-2", region: "us", acknowledgedMs: 212n, counted: true };
const COMPLETE: Receipt = { state: ReceiptState.COMPLETE, tookMs: 212n, edges: [EU, US] };

function switchOf(receipt: Receipt = COMPLETE): Given {
  return {
    id: "sw_1",
    projectSlug: "shop",
    environmentSlug: "production",
    cause: "rollback",
    fromDeploymentId: "d_2",
    toDeploymentId: "d_1",
    committedAt: BigInt(NOW - 60_000),
    receipt,
  };
}

function text(receipt: Receipt): string {
  return receiptText(receiptJson(create(TrafficSwitchSchema, switchOf(receipt))));
}

Deno.test("a receipt is one line: its time, its edges, and the requests that failed", () => {
  assert.equal(text(COMPLETE), "switched in 212 ms on 2 of 2 edges, 0 requests failed");
  assert.equal(
    text({ ...COMPLETE, edges: [EU], tookMs: 80n, failedByEdge: 1n }),
    "switched in 80 ms on 1 of 1 edge, 1 request failed (1 by the edge)",
  );
  assert.equal(
    text({ ...COMPLETE, state: ReceiptState.COUNTING, failedByFormer: 2n, failedByTarget: 3n }),
    "switched in 212 ms on 2 of 2 edges, 5 requests failed so far (2 by the former deployment, 3 by the new one)",
  );
  assert.equal(text({ state: ReceiptState.COMPLETE, edges: [] }), "");
});

Deno.test("a receipt names the edges that did not follow, and those that do not count", () => {
  const { acknowledgedMs: _followed, ...missing } = US;
  const partly: Receipt = { tookMs: 80n, edges: [EU, missing] };
  const begin = "switched in 80 ms on 1 of 2 edges, 0 requests failed";
  assert.equal(text({ ...partly, state: ReceiptState.WAITING }), `${begin} so far; not yet: edge-2 (us)`);
  assert.equal(text({ ...partly, state: ReceiptState.INCOMPLETE }), `${begin}; not within 30 s: edge-2 (us)`);
  assert.equal(
    text({ ...partly, state: ReceiptState.SUPERSEDED }),
    `${begin}; the next switch came before edge-2 (us) followed`,
  );
  assert.equal(
    text({ state: ReceiptState.INCOMPLETE, edges: [{ ...missing, region: "" }] }),
    "switched on 0 of 1 edge, 0 requests failed; not within 30 s: edge-2",
  );
  assert.equal(
    text({ ...COMPLETE, edges: [EU, { ...US, counted: false }] }),
    "switched in 212 ms on 2 of 2 edges, 0 requests failed; without those of edge-2 (us)",
  );
});

const PLAN = {
  projectSlug: "shop",
  environmentSlug: "production",
  fromDeploymentId: "d_2",
  toDeploymentId: "d_1",
  path: SwitchPath.INSTANT,
};

/** A control plane that answers with these switches, one after the other. */
function controlPlane(receipts: readonly Receipt[], more: FakeAnswers["deployment"] = {}) {
  const asked: string[] = [];
  const server = startControlPlane({
    deployment: {
      getDeployment: () => ({ deployment: deploymentOf({}) }),
      planPromote: () => ({ plan: PLAN }),
      promote: () => ({ switched: { ...PLAN, tookMs: 30n } }),
      listSwitches: ({ deploymentId }) => {
        asked.push(deploymentId);
        const receipt = receipts[Math.min(asked.length, receipts.length) - 1];
        return { switches: receipt === undefined ? [] : [switchOf(receipt)] };
      },
      ...more,
    },
  });
  return { server, asked };
}

Deno.test("promote waits until the edges have followed, and prints the receipt", async () => {
  const { server, asked } = controlPlane([
    { state: ReceiptState.WAITING, edges: [{ edgeId: "edge-1" }] },
    { ...COMPLETE, state: ReceiptState.COUNTING },
  ]);
  await using api = await server;
  const env = access(api.url);
  const { stdout } = await unkey(["promote", "d_1", "--yes"], { env });
  assert.equal(
    stdout,
    "promoted d_1 in shop/production, d_2 before (instant, 0.03 s)\n" +
      "switched in 212 ms on 2 of 2 edges, 0 requests failed so far\n",
  );
  assert.deepEqual(asked, ["d_1", "d_1"]);
  assert.partialDeepStrictEqual(onlyJson(await unkey(["promote", "d_1", "--yes", "--json"], { env })), {
    tookMs: 30,
    receipt: { state: "counting", tookMs: 212, failed: { byEdge: 0, byFormer: 0, byTarget: 0 } },
  });
  asked.length = 0;
  assert.equal((await unkey(["promote", "d_1", "--yes", "--quiet"], { env })).stdout, "d_1\n");
  assert.deepEqual(asked, [], "a script that wants the URL alone does not wait");
});

Deno.test("promote waits for an edge that does not follow no longer than its bound", async () => {
  const waiting = {
    state: ReceiptState.WAITING,
    tookMs: 80n,
    edges: [EU, { edgeId: "edge-2", region: "us" }],
  };
  const { server, asked } = controlPlane([waiting]);
  await using api = await server;
  const { code, stdout } = await unkey(["promote", "d_1", "--yes"], { env: access(api.url) });
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^switched in 80 ms on 1 of 2 edges, 0 requests failed so far; not yet: edge-2 \(us\)$/m,
  );
  assert.equal(asked.length, 13);
});

Deno.test("a switch is printed without its receipt when the control plane keeps none, or does not answer", async () => {
  await using api = await controlPlane([]).server;
  const { code, stdout } = await unkey(["promote", "d_1", "--yes"], { env: access(api.url) });
  assert.deepEqual([code, stdout.split("\n").length], [0, 2]);
  const fails = controlPlane([], { listSwitches: () => Promise.reject(new Error("broken")) });
  await using broken = await fails.server;
  assert.equal((await unkey(["promote", "d_1", "--yes"], { env: access(broken.url) })).code, 0);
});

Deno.test("status of a deployment shows the last switch to it", async () => {
  await using api = await controlPlane([COMPLETE]).server;
  const env = access(api.url);
  const { stdout } = await unkey(["status", "d_1"], { env });
  assert.match(
    stdout,
    /^last switch +rollback 1m ago: switched in 212 ms on 2 of 2 edges, 0 requests failed$/m,
  );
  assert.partialDeepStrictEqual(onlyJson(await unkey(["status", "d_1", "--json"], { env })), {
    lastSwitch: { id: "sw_1", cause: "rollback", from: "d_2", to: "d_1", edges: [{ id: "edge-1" }, {}] },
  });
  await using alone = await controlPlane([{ state: ReceiptState.COMPLETE, edges: [] }]).server;
  assert.match(
    (await unkey(["status", "d_1"], { env: access(alone.url) })).stdout,
    /^last switch +rollback 1m ago: no edge was connected$/m,
  );
});

Deno.test("list switches prints a line for each move of live traffic, and pages as others do", async () => {
  const pages: string[] = [];
  const listSwitches = ({ pageToken, environmentSlug }: { pageToken: string; environmentSlug: string }) => {
    pages.push(`${environmentSlug}:${pageToken}`);
    return pageToken === ""
      ? { switches: [switchOf()], nextPageToken: "more" }
      : { switches: [{ ...switchOf({ ...COMPLETE, failedByEdge: 4n }), fromDeploymentId: "" }] };
  };
  await using api = await controlPlane([], { listSwitches }).server;
  const env = access(api.url);
  const { stdout } = await unkey(["list", "switches", "--env", "production"], { env });
  assert.equal(
    stdout,
    `AGE  PROJECT  ENV         CAUSE     SHARE  FROM  TO   TOOK    EDGES  FAILED  RECEIPT
1m   shop     production  rollback  100 %  d_2   d_1  212 ms  2/2    0       complete
1m   shop     production  rollback  100 %  -     d_1  212 ms  2/2    4       complete
`,
  );
  assert.deepEqual(pages, ["production:", "production:more"]);
  const one = onlyJson(await unkey(["list", "switches", "--limit", "1", "--json"], { env }));
  assert.partialDeepStrictEqual(one, { switches: [{ id: "sw_1" }], nextPageToken: "more" });
  await using none = await controlPlane([]).server;
  const empty = await unkey(["list", "switches"], { env: access(none.url) });
  assert.deepEqual([empty.stdout, empty.stderr], ["", "No live traffic has moved yet.\n"]);
});
