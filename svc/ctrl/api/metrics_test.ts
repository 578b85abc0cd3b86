import assert from "node:assert/strict";
import { Fault } from "../../../pkg/fault/mod.ts";
import { testMetrics } from "../../../pkg/metrics/testing.ts";
import { newDnsName } from "../../../pkg/uid/mod.ts";
import { transact } from "../../../pkg/db/mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "../internal/store/testing.ts";
import {
  appendChanges,
  markRegionDown,
  recordAgents,
  saveBuildSlots,
  storeCertificate,
} from "../internal/store/mod.ts";
import { countRefusals, countUploads, watchPlatform } from "./metrics.ts";

const test = testOnCtrlDatabases();
const SECOND_MS = 1_000;
// Later than anything else in a database that tests share.
const clock = { now: () => NOW_MS + 100 * SECOND_MS, sleep: () => Promise.resolve() };

test("regions are shown with their last heartbeat, their lag, and a mark when they are down", async (db) => {
  using counted = await testMetrics();
  const [live, silent] = [`live-${newDnsName(8)}`, `silent-${newDnsName(8)}`];
  const nowMs = clock.now();
  const progress = { appliedVersion: 1, observedVersion: 3 };
  await transact(db, (tx) =>
    recordAgents(tx, [
      { agentId: `a-${live}`, region: live, progress, nowMs: nowMs - SECOND_MS },
      { agentId: `a-${silent}`, region: silent, progress, nowMs: nowMs - 90 * SECOND_MS },
    ]));
  await transact(db, async (tx) => {
    for (const region of [live, silent]) {
      const change = { resourceType: "deployment", resourceId: "d_1" } as const;
      for (let i = 0; i < 3; i++) await appendChanges(tx, region, [change], nowMs);
    }
  });
  await transact(
    db,
    (tx) => markRegionDown(tx, { region: silent, heartbeatSinceMs: nowMs - 30 * SECOND_MS, nowMs }),
  );
  watchPlatform(counted.metrics, { db, clock });
  const seen = await counted.read("unkey_region_last_seen_timestamp_seconds");
  assert.equal(seen[`region="${live}"`], nowMs / 1_000 - 1);
  assert.equal(seen[`region="${silent}"`], nowMs / 1_000 - 90);
  const lag = await counted.read("unkey_region_lag_versions");
  assert.equal(lag[`region="${live}"`], 2);
  assert.equal(lag[`region="${silent}"`], undefined, "an agent that is gone lags no more");
  const applied = await counted.read("unkey_region_applied_version");
  assert.equal(applied[`region="${live}"`], 1);
  const down = await counted.read("unkey_region_down");
  assert.deepEqual([down[`region="${live}"`], down[`region="${silent}"`]], [0, 1]);
});

test("the build queue is shown with the longest wait", async (db) => {
  using counted = await testMetrics();
  watchPlatform(counted.metrics, { db, clock });
  const before = await counted.read("unkey_build_slots");
  const seed = await seedProject(db);
  const rows = await Promise.all((["holding", "waiting", "waiting"] as const).map(async (state, i) => ({
    deployment_id: (await seedDeployment(db, seed)).id,
    workspace_id: seed.workspaceId,
    state,
    // Earlier than any of other tests.
    enqueued_at: 1_000 * i,
    turn_at: 0,
    lease_until: null,
    ticket: 1,
    reported_ahead: null,
  })));
  await transact(db, (tx) => saveBuildSlots(tx, rows));
  const after = await counted.read("unkey_build_slots");
  assert.equal((after['state="holding"'] ?? 0) - (before['state="holding"'] ?? 0), 1);
  assert.equal((after['state="waiting"'] ?? 0) - (before['state="waiting"'] ?? 0), 2);
  assert.deepEqual(await counted.read("unkey_build_wait_seconds"), { "": clock.now() / 1_000 - 1 });
});

test("certificates are shown with the end of the one that ends first", async (db) => {
  using counted = await testMetrics();
  watchPlatform(counted.metrics, { db, clock });
  const seed = await seedProject(db);
  const hostname = `${newDnsName(8)}.example`;
  const certificate = {
    id: `cert_${newDnsName(8)}`,
    workspace_id: seed.workspaceId,
    hostname,
    chain: "",
    encrypted_private_key: "",
    not_before: 0,
    // Earlier than any of other tests.
    not_after: 7_000,
    renew_at: 1,
    advice_at: 1,
    renewal_id: "",
    directory_url: "https://ca.example",
  };
  await transact(db, (tx) => storeCertificate(tx, certificate, clock.now()));
  assert.deepEqual(await counted.read("unkey_certificate_first_end_timestamp_seconds"), { "": 7 });
  const [count] = Object.values(await counted.read("unkey_certificates"));
  assert.ok((count ?? 0) >= 1);
});

Deno.test("credentials that are refused are counted by code, and others not", async () => {
  using counted = await testMetrics();
  const answers = ["unauthenticated", "rate_limited", "rate_limited"] as const;
  for (const code of answers) {
    const refuse = countRefusals(() => Promise.reject(new Fault(code, "no")), counted.metrics);
    await assert.rejects(refuse(new Headers()));
  }
  const accept = countRefusals(() => Promise.resolve({ kind: "service" }), counted.metrics);
  assert.deepEqual(await accept(new Headers()), { kind: "service" });
  assert.deepEqual(await counted.read("unkey_credentials_refused_total"), {
    'code="unauthenticated"': 1,
    'code="rate_limited"': 2,
  });
});

Deno.test("packs that were uploaded are counted with their bytes", async () => {
  using counted = await testMetrics();
  const uploaded = countUploads(counted.metrics);
  uploaded(100);
  uploaded(50);
  assert.deepEqual(await counted.read("unkey_uploads_total"), { "": 2 });
  assert.deepEqual(await counted.read("unkey_upload_bytes_total"), { "": 150 });
});
