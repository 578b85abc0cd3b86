/** Receipts of switches, by a real api and real edges. */
import assert from "node:assert/strict";
import type { SwitchReceipt } from "../../proto/gen/ctrl/v1/traffic_switch_pb.ts";
import { ReceiptState } from "../../proto/gen/ctrl/v1/traffic_switch_pb.ts";
import { askEdge } from "../testbed/ask.ts";
import { Lanes } from "../testbed/lanes.ts";
import { eventually } from "../testbed/wait.ts";
import { app } from "./frontline_edge.ts";
import { HOST, SwitchWorld } from "./switch_world.ts";

const URL_OF_SHOP = `http://${HOST}/`;

function failed(receipt: SwitchReceipt | undefined): readonly (number | undefined)[] {
  const { failedByEdge, failedByFormer, failedByTarget } = receipt ?? {};
  return [failedByEdge, failedByFormer, failedByTarget].map((each) =>
    each === undefined ? undefined : Number(each)
  );
}

function edgesOf(receipt: SwitchReceipt | undefined): readonly string[] {
  return (receipt?.edges ?? []).map(({ edgeId, region, acknowledgedMs }) =>
    `${edgeId} ${region} ${acknowledgedMs === undefined ? "missing" : "followed"}`
  );
}

/** An app that answers everything with `status`. */
function broken(status: number): { port: number; stop: () => Promise<void> } {
  const answer = (): Response => new Response("broken", { status });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, answer);
  return { port: server.addr.port, stop: () => server.shutdown() };
}

Deno.test("a switch under load is followed by every edge, and its receipt says that no request failed", async () => {
  await using world = await SwitchWorld.start();
  const [one, two] = [app("version 1."), app("version 2.")];
  const edge = await world.edge("edge-1", "eu");
  await world.edge("edge-2", "us");
  const d1 = await world.deploy(one.port);
  await eventually("the first version", async () => (await askEdge(edge.port, URL_OF_SHOP)).status === 200);
  const lanes = new Lanes({
    port: edge.port,
    url: URL_OF_SHOP,
    lanes: 4,
    pauseMs: 5,
    version: /version \d\./,
  });
  const d2 = await world.deploy(two.port);
  await eventually("the second version", () => lanes.lastOf("version 2.") !== undefined);
  const deploy = await world.ended();
  assert.deepEqual([deploy.cause, deploy.fromDeploymentId, deploy.toDeploymentId], ["deploy", d1, d2]);
  await world.rollback(d2, d1);
  const { receipt, cause, environmentSlug } = await world.ended();
  assert.deepEqual([cause, environmentSlug], ["rollback", "production"]);
  for (const each of [receipt, deploy.receipt]) {
    assert.equal(each?.state, ReceiptState.COMPLETE);
    assert.deepEqual(edgesOf(each), ["edge-1 eu followed", "edge-2 us followed"]);
    assert.deepEqual(failed(each), [0, 0, 0]);
    assert.ok(each !== undefined && each.tookMs < 5_000n && each.edges.every(({ counted }) => counted));
  }
  const { failed: failures, asked } = await lanes.stop();
  assert.deepEqual(failures, []);
  assert.ok(asked > 50, `${asked} requests`);
  await Promise.all([one.stop(), two.stop()]);
});

Deno.test("a receipt has the requests that failed: by the new version, the former one, and the edge itself", async () => {
  await using world = await SwitchWorld.start();
  const [good, bad] = [app("version 1."), broken(500)];
  const edge = await world.edge("edge-1", "eu");
  const d1 = await world.deploy(good.port);
  await eventually("the first version", async () => (await askEdge(edge.port, URL_OF_SHOP)).status === 200);
  const d2 = await world.deploy(bad.port);
  await eventually("the edge to follow", async () => (await askEdge(edge.port, URL_OF_SHOP)).status === 500);
  for (let more = 0; more < 2; more++) await askEdge(edge.port, URL_OF_SHOP);
  assert.deepEqual(failed((await world.ended()).receipt), [0, 0, 3]);

  await good.stop();
  await world.rollback(d2, d1);
  // Nothing listens any more where the table leads now.
  await eventually(
    "the edge to answer itself",
    async () => (await askEdge(edge.port, URL_OF_SHOP)).status === 503,
  );
  const { receipt } = await world.ended();
  const [byEdge = 0, byFormer = 0, byTarget] = failed(receipt);
  assert.ok(byEdge >= 1 && byFormer >= 0 && byTarget === 0, `${byEdge} ${byFormer} ${byTarget}`);
  await bad.stop();
});

Deno.test("a switch names an edge that stopped, and ends by its bound", async () => {
  await using world = await SwitchWorld.start();
  const [one, two] = [app("version 1."), app("version 2.")];
  const edge = await world.edge("edge-1", "eu");
  const gone = await world.edge("edge-2", "us");
  const d1 = await world.deploy(one.port);
  await world.ended();
  gone.stop();
  await gone.done;
  const d2 = await world.deploy(two.port);
  await eventually(
    "edge-1 to follow",
    async () =>
      (await world.newest())?.receipt?.edges.some(({ acknowledgedMs }) => acknowledgedMs !== undefined) ===
        true,
  );
  const waiting = (await world.newest())?.receipt;
  assert.deepEqual([waiting?.state, edgesOf(waiting)], [
    ReceiptState.WAITING,
    ["edge-1 eu followed", "edge-2 us missing"],
  ]);
  assert.equal((await askEdge(edge.port, URL_OF_SHOP)).body, "version 2.");

  // The next switch ends the receipt of this one.
  await world.rollback(d2, d1);
  const access = await world.switches();
  assert.deepEqual([access[1]?.receipt?.state, edgesOf(access[1]?.receipt)], [
    ReceiptState.SUPERSEDED,
    ["edge-1 eu followed", "edge-2 us missing"],
  ]);
  await eventually(
    "edge-1 to follow",
    async () =>
      (await world.newest())?.receipt?.edges.some(({ acknowledgedMs }) => acknowledgedMs !== undefined) ===
        true,
  );
  await world.age(30_000);
  const { receipt } = await world.ended();
  assert.deepEqual([receipt?.state, edgesOf(receipt)], [
    ReceiptState.INCOMPLETE,
    ["edge-1 eu followed", "edge-2 us missing"],
  ]);
  await Promise.all([one.stop(), two.stop()]);
});
