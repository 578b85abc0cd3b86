import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { ClusterService } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { requestCertificate } from "../../internal/certificates/mod.ts";
import { recordWorker, updateCertificateOrder } from "../../internal/store/mod.ts";
import { clock, refused, SERVICE_TOKEN, startApi } from "../testing.ts";
import { placeNew, REGION } from "../testing_agents.ts";

Deno.test("getStatus() has configured regions without agents, and counts an agent as alive until its timeout", async () => {
  await using api = await startApi({ availableRegions: [REGION, "us-east-1.aws"] });
  const tenant = await api.tenant("acme");
  await placeNew(api, tenant);
  const admin = api.client(AdminService, tenant.rootKey);
  const regions = async () => new Map((await admin.getStatus({})).regions.map((each) => [each.region, each]));
  const empty = (await regions()).get("us-east-1.aws");
  assert.deepEqual([empty?.desiredVersion, empty?.agents, empty?.desiredInstances], [0n, [], 0]);

  const agent = api.client(ClusterService, await api.regionToken(REGION));
  for (const agentId of ["slow", "fast"]) {
    const appliedVersion = agentId === "fast" ? 1n : 0n;
    await agent.acknowledge({ agentId, appliedVersion, observedVersion: 1n });
  }
  const alive = async () =>
    (await regions()).get(REGION)?.agents.map((each) => [each.agentId, each.alive]).toSorted();
  assert.deepEqual(await alive(), [[`${REGION}:fast`, true], [`${REGION}:slow`, true]]);
  assert.notEqual((await regions()).get(REGION)?.waitingSince, 0n, "the slowest live agent counts");
  const setSeen = (agentId: string, agoMs: number) =>
    api.db.kysely.updateTable("agents").set({ last_seen_at: clock.now() - agoMs })
      .where("agent_id", "=", `${REGION}:${agentId}`).execute();
  await setSeen("slow", 10 * 60_000);
  assert.deepEqual(await alive(), [[`${REGION}:fast`, true], [`${REGION}:slow`, false]]);
  assert.equal((await regions()).get(REGION)?.waitingSince, 0n, "a dead agent holds nothing up");
  await setSeen("slow", 25 * 3_600_000);
  assert.deepEqual(await alive(), [[`${REGION}:fast`, true]], "after a day it is not shown");
});

Deno.test("getStatus() has workers by their heartbeats, and those that were lost within a day", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const nowMs = clock.now();
  for (const [id, agoMs] of [["runs", 10_000], ["lost", 40_000], ["forgotten", 25 * 3_600_000]] as const) {
    await recordWorker(api.db.kysely, { id, started_at: 5, last_seen_at: nowMs - agoMs });
  }
  const { workers } = await api.client(AdminService, tenant.rootKey).getStatus({});
  assert.deepEqual(workers.map(({ id, alive, startedAt }) => [id, alive, startedAt]), [
    ["runs", true, 5n],
    ["lost", false, 5n],
  ]);
});

Deno.test("getStatus() needs the permission, and the key of a workspace", async () => {
  await using api = await startApi();
  const { rootKey } = await api.tenant("acme");
  const { key } = await api.client(AdminService, rootKey).createRootKey({
    permissions: ["workspace.manage_keys"],
  });
  await refused(api.client(AdminService, key).getStatus({}), Code.PermissionDenied, /read_status/);
  await refused(api.client(AdminService, SERVICE_TOKEN).getStatus({}), Code.PermissionDenied, /root key/);
});

Deno.test("getStatus() tells of certificates that do not come: the caller's and the platform's", async () => {
  await using api = await startApi();
  const [acme, globex] = [await api.tenant("acme"), await api.tenant("globex")];
  const want = (workspaceId: string, hostname: string) =>
    requestCertificate({ db: api.db, clock, workflows: api.workflows }, { workspaceId, hostname });
  await want(acme.workspaceId, "shop.example.com");
  await want(globex.workspaceId, "other.example.com");
  await want("unkey_internal", "*.apps.example.com");
  await want(acme.workspaceId, "issued.example.com");
  const updated_at = clock.now();
  await updateCertificateOrder(api.db.kysely, "issued.example.com", { status: "issued", updated_at });
  const changes = { failures: 2, problem: "no", created_at: updated_at - 2 * 3_600_000, updated_at };
  await updateCertificateOrder(api.db.kysely, "*.apps.example.com", changes);
  const { certificates } = await api.client(AdminService, acme.rootKey).getStatus({});
  assert.deepEqual(
    certificates.map((
      { hostname, failures, problem, late, notAfter },
    ) => [hostname, failures, problem, late, notAfter])
      .sort(),
    [["*.apps.example.com", 2, "no", true, 0n], ["shop.example.com", 0, "", false, 0n]],
  );
});
