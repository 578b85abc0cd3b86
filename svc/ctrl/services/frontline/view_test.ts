import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { FrontlineService } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { markRegionDown } from "../../internal/store/mod.ts";
import { clock, refused, sentinelToken, startApi } from "../testing.ts";
import { nextState, REGION, route, runNew, summaryOf } from "../testing_agents.ts";

/** An attacker in one proxy must not see the other tenants. */
Deno.test("a sentinel's token sees its environment in its region and nothing else", async () => {
  await using api = await startApi();
  const [acme, globex] = [await api.tenant("acme"), await api.tenant("globex")];
  const own = await runNew(api, acme, { regions: [REGION, "us-east-1.aws"] });
  const preview = await runNew(api, acme, { environment: "preview" });
  const foreign = await runNew(api, globex);
  await route(api, acme, "own.test", own);
  await route(api, acme, "moving.test", own);
  await route(api, acme, "preview.test", preview);
  await route(api, globex, "foreign.test", foreign);
  const token = await sentinelToken(api, acme);
  const client = api.client(FrontlineService, token);
  // As the client of an edge would: with a cursor and a name.
  const stream = client.watchRoutes({ edgeId: "sentinel", versionLastSeen: 3n })[Symbol.asyncIterator]();
  const snapshot: unknown[] = [];
  while (true) {
    const message = summaryOf(await nextState(stream));
    snapshot.push(message);
    if (Array.isArray(message) && message[0] === "snapshotEnd") break;
  }
  assert.deepEqual(
    snapshot.map((each) => JSON.stringify(each)).sort(),
    [
      ["applyEndpoints", own, [`${REGION}:80`]],
      ["applyRoute", "moving.test", own],
      ["applyRoute", "own.test", own],
      ["snapshotEnd", 3],
    ].map((each) => JSON.stringify(each)).sort(),
  );

  // Changes of other environments are not seen; a route that moves to one of them is deleted here.
  await route(api, globex, "foreign2.test", foreign);
  await route(api, acme, "preview2.test", preview);
  await route(api, acme, "moving.test", preview);
  assert.deepEqual(summaryOf(await nextState(stream)), ["deleteRoute"]);
  await route(api, acme, "moving.test", own);
  assert.deepEqual(summaryOf(await nextState(stream)), ["applyRoute", "moving.test", own]);
  await stream.return?.();

  await refused(client.acknowledgeRoutes({ edgeId: "x", appliedVersion: 1n }), Code.PermissionDenied, /edge/);
  const agents = await api.db.kysely.selectFrom("agents").select("agent_id").execute();
  assert.ok(!agents.some((each) => each.agent_id.includes("sentinel")), "no switch waits for a sentinel");
});

/** Only the region's agent timed out: the instances beside the sentinel may well be alive. */
Deno.test("a region that is down keeps its instances for its sentinel, and loses them for edges", async () => {
  await using api = await startApi();
  const acme = await api.tenant("acme");
  const own = await runNew(api, acme, { regions: [REGION, "us-east-1.aws"] });
  await route(api, acme, "own.test", own);
  const token = await sentinelToken(api, acme);
  const down = { region: REGION, heartbeatSinceMs: clock.now() + 1_000, nowMs: clock.now() };
  assert.ok(await transact(api.db, (tx) => markRegionDown(tx, down)));
  const endpoints = async (token: string) => {
    const stream = api.client(FrontlineService, token).watchRoutes({ edgeId: "x" })[Symbol.asyncIterator]();
    for (;;) {
      const message = await nextState(stream);
      if (message.state.case !== "applyEndpoints") continue;
      await stream.return?.();
      return summaryOf(message);
    }
  };
  assert.deepEqual(await endpoints(token), ["applyEndpoints", own, [`${REGION}:80`]]);
  assert.deepEqual(await endpoints(await api.regionToken("*")), ["applyEndpoints", own, [
    "us-east-1.aws:80",
  ]]);
});
