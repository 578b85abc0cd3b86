import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { NOW_MS, testOnCtrlDatabases } from "./testing.ts";
import { type HeardAgent, listAgents, listLiveRegions, recordAgents } from "./mod.ts";

const test = testOnCtrlDatabases();

test("agents are remembered with how far they are and what they refused", async (db) => {
  const region = newDnsName(10);
  const agentId = newDnsName(10);
  const agent = { agentId, region };
  const hear = (heard: Omit<HeardAgent, "agentId" | "region">) =>
    transact(
      db,
      (tx) => recordAgents(tx, [{ ...agent, ...heard }, { agentId: `${agentId}-2`, region, nowMs: 1 }]),
    );
  await hear({ nowMs: NOW_MS });
  await hear({
    progress: { appliedVersion: 7, observedVersion: 9 },
    nack: { resource: "d_1", error: "no such image" },
    nowMs: NOW_MS + 1,
  });
  await hear({ progress: { appliedVersion: 9, observedVersion: 9, edgeRegion: "eu" }, nowMs: NOW_MS + 2 });
  await hear({ nowMs: NOW_MS + 3 });
  assert.deepEqual(await listAgents(db.kysely, { sinceMs: NOW_MS, region }), [{
    agent_id: agentId,
    region,
    applied_version: 9,
    observed_version: 9,
    last_seen_at: NOW_MS + 3,
    last_nack_resource: "d_1",
    last_nack_error: "no such image",
    last_nack_at: NOW_MS + 1,
    edge_region: "eu",
    feed_revision: 0,
  }]);
  assert.ok((await listLiveRegions(db.kysely, NOW_MS + 3)).has(region));
  assert.ok(!(await listLiveRegions(db.kysely, NOW_MS + 4)).has(region));
});
