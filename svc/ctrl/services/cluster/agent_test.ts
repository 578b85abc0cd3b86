import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { ClusterService } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { markRegionDown } from "../../internal/store/mod.ts";
import { clock, refused, startApi } from "../testing.ts";
import { placeNew, REGION } from "../testing_agents.ts";

Deno.test("acknowledgements and NACKs are in the status, those of other workspaces without details", async () => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const { id } = await placeNew(api, own);
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  await agent.acknowledge({
    agentId: "krane-1",
    appliedVersion: 0n,
    observedVersion: 1n,
    results: [{ resourceType: "deployment", resourceId: id, version: 1n, error: "image is too large" }],
  });
  const status = async (key: string) => {
    const { regions } = await api.client(AdminService, key).getStatus({});
    const region = regions.find((each) => each.region === REGION);
    assert.ok(region !== undefined);
    return region;
  };
  const mine = await status(own.rootKey);
  assert.deepEqual([mine.desiredVersion, mine.desiredInstances, mine.lastNackResource, mine.lastNackError], [
    1n,
    1,
    id,
    "image is too large",
  ]);
  assert.deepEqual(
    mine.agents.map(({ agentId, alive, observedVersion }) => [agentId, alive, observedVersion]),
    [
      ["local.dev:krane-1", true, 1n],
    ],
  );
  const { createdAt } = await api.db.kysely.selectFrom("state_changes").select("created_at as createdAt")
    .where("region", "=", REGION).executeTakeFirstOrThrow();
  assert.deepEqual([mine.waitingSince, mine.silentSince], [BigInt(createdAt), 0n]);
  const theirs = await status(other.rootKey);
  assert.deepEqual([theirs.desiredInstances, theirs.lastNackResource, theirs.lastNackError], [0, "", ""]);
  await refused(agent.acknowledge({ agentId: "" }), Code.InvalidArgument, /agent_id/);

  await agent.acknowledge({ agentId: "krane-1", appliedVersion: 1n, observedVersion: 1n });
  const outage = { region: REGION, heartbeatSinceMs: clock.now() + 60_000, nowMs: 7 };
  await transact(api.db, (tx) => markRegionDown(tx, outage));
  const caughtUp = await status(own.rootKey);
  assert.deepEqual([caughtUp.waitingSince, caughtUp.silentSince], [0n, 7n]);
});
