/** An edge says which deployments are used, and explains the hosts of those that were stopped. */
import assert from "node:assert/strict";
import { askEdge } from "../testbed/ask.ts";
import { eventually } from "../testbed/wait.ts";
import { app, startEdge, TIMES } from "./frontline_edge.ts";
import { Feed } from "./frontline_feed.ts";

const ROUTE = { environmentId: "env_1", workspaceId: "ws_1" };

Deno.test("an edge names the deployments that got requests, and no other", async () => {
  await using feed = await Feed.start();
  const used = app("used");
  await using edge = startEdge(feed.url, {}, { ...TIMES, heartbeatMs: 20 });
  const stream = await feed.stream();
  for (const [at, id] of ["d_used", "d_unused"].entries()) {
    const endpoints = [{ instanceId: `ins_${id}`, address: `127.0.0.1:${used.port}`, region: "local" }];
    stream.send(0, { case: "applyEndpoints", value: { deploymentId: id, endpoints } });
    const route = { ...ROUTE, routeId: `ir_${at}`, hostname: `${id.slice(2)}.localhost`, deploymentId: id };
    stream.send(0, { case: "applyRoute", value: route });
  }
  stream.send(1, { case: "snapshotEnd", value: { resources: 4 } });
  await edge.ready;
  assert.equal((await askEdge(edge.port, "http://used.localhost/")).body, "used");
  await eventually("the edge to name it", () => feed.requested.includes("d_used"));
  assert.deepEqual(feed.requested, ["d_used"]);
  edge.stop();
  await edge.done;
  await used.stop();
});

Deno.test("the host of a stopped preview says why and since when, and the command that starts it again", async () => {
  await using feed = await Feed.start();
  await using edge = startEdge(feed.url);
  const stream = await feed.stream();
  const stop = {
    reason: "no_requests",
    message: "It got no request for 7 days.",
    at: BigInt(Date.UTC(2026, 0, 2, 3, 4)),
  };
  const route = {
    ...ROUTE,
    routeId: "ir_1",
    hostname: "old.localhost",
    deploymentId: "d_1",
    stopped: true,
    stop,
  };
  stream.send(0, { case: "applyRoute", value: route });
  const before = { ...route, routeId: "ir_2", hostname: "before.localhost" };
  stream.send(0, { case: "applyRoute", value: { ...before, stop: undefined } });
  stream.send(1, { case: "snapshotEnd", value: { resources: 2 } });
  await edge.ready;
  const page = async (host: string) => {
    const { status, body } = await askEdge(edge.port, `http://${host}/`, { accept: "text/plain" });
    return [status, body.split("\n")[2]];
  };
  assert.deepEqual(await page("old.localhost"), [
    503,
    'The deployment at "old.localhost" was stopped on 2026-01-02 at 03:04 UTC. It got no request for 7 days. ' +
    '"unkey start d_1" starts it again.',
  ]);
  assert.deepEqual(await page("before.localhost"), [
    503,
    'The deployment at "before.localhost" was stopped. "unkey start d_1" starts it again.',
  ]);
  assert.deepEqual(feed.requested, [], "a request to what is stopped is no use");
  edge.stop();
  await edge.done;
});
