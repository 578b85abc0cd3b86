import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import {
  ClusterService,
  ReportDeploymentStatusRequest_Update_Instance_Status as Status,
} from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { FrontlineService, type RouteState } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { Secret } from "../../../../pkg/config/mod.ts";
import { sealCertificateKey } from "../../internal/certificates/mod.ts";
import {
  deleteCertificate,
  findDeployment,
  markRegionDown,
  markRegionUp,
  storeCertificate,
} from "../../internal/store/mod.ts";
import { clock, place, refused, sentinelToken, startApi, type TestApi, vaultOf } from "../testing.ts";
import {
  instanceReport,
  nextState,
  REGION,
  route,
  runNew,
  snapshotOf,
  summaryOf,
} from "../testing_agents.ts";

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
      ["applyEndpoints", own, ["10.0.0.1:80"]],
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

/** An edge that speaks HTTP/1.1 to a gRPC server gets no answer that it could pass on. */
Deno.test("edges and sentinels learn which protocol an app speaks", async () => {
  await using api = await startApi();
  const acme = await api.tenant("acme");
  const client = api.client(DeploymentService, acme.rootKey);
  const { deploymentId } = await client.createDeployment({
    projectId: acme.projectId,
    environmentSlug: "production",
    source: { case: "dockerImage", value: "nginx:1.29" },
    protocol: "h2c",
  });
  await place(api, acme, deploymentId);
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  const k8sName = (await findDeployment(api.db.kysely, deploymentId))?.k8s_name ?? "";
  await agent.reportDeploymentStatus(instanceReport(k8sName, 1n, Status.RUNNING, `${REGION}:80`));
  const other = await runNew(api, acme);
  for (const token of [await api.regionToken("*"), await sentinelToken(api, acme)]) {
    const edge = api.client(FrontlineService, token);
    const stream = edge.watchRoutes({ edgeId: "e", versionLastSeen: 0n })[Symbol.asyncIterator]();
    const protocols = new Map<string, string>();
    for (let message = await nextState(stream); message.state.case !== "snapshotEnd";) {
      if (message.state.case === "applyEndpoints") {
        protocols.set(message.state.value.deploymentId, message.state.value.protocol);
      }
      message = await nextState(stream);
    }
    await stream.return?.();
    assert.equal(protocols.get(deploymentId), "h2c");
    assert.equal(protocols.get(other), "");
  }
});

Deno.test("edges learn which regions are down, and a sentinel keeps its instances", async () => {
  await using api = await startApi();
  const acme = await api.tenant("acme");
  const own = await runNew(api, acme, { regions: [REGION, "us-east-1.aws"] });
  await route(api, acme, "own.test", own);
  const down = { region: REGION, heartbeatSinceMs: clock.now() + 1_000, nowMs: clock.now() };
  assert.ok(await transact(api.db, (tx) => markRegionDown(tx, down)));
  const stream = api.client(FrontlineService, await api.regionToken("*")).watchRoutes({ edgeId: "x" })
    [Symbol.asyncIterator]();
  const snapshot = await snapshotOf(stream);
  assert.deepEqual(snapshot.filter(({ state }) => state.case !== "applyRoute").map(summaryOf), [
    ["applyEndpoints", own, ["10.0.0.1:80", "10.0.1.1:80"]],
    ["applyDownRegion", REGION],
  ]);
  assert.ok(await transact(api.db, (tx) => markRegionUp(tx, down)));
  assert.deepEqual(summaryOf(await nextState(stream)), ["deleteDownRegion", REGION]);
  await stream.return?.();

  const beside = api.client(FrontlineService, await sentinelToken(api, acme)).watchRoutes({ edgeId: "x" })
    [Symbol.asyncIterator]();
  assert.ok(await transact(api.db, (tx) => markRegionDown(tx, down)));
  const seen = await snapshotOf(beside);
  assert.deepEqual(seen.map(summaryOf).filter((each) => JSON.stringify(each).includes("Endpoints")), [
    ["applyEndpoints", own, ["10.0.0.1:80"]],
  ]);
  await beside.return?.();
});

/** Stores a certificate, sealed for another name where the test says so. */
async function certificate(api: TestApi, hostname: string, sealedFor = hostname): Promise<string> {
  const workspaceId = "ws_1";
  const sealed = await sealCertificateKey(
    vaultOf(api),
    { workspaceId, hostname: sealedFor },
    new Secret("the key"),
  );
  return await transact(api.db, (tx) =>
    storeCertificate(tx, {
      id: `cert_${hostname}`,
      workspace_id: workspaceId,
      hostname,
      chain: "the chain",
      encrypted_private_key: sealed,
      not_before: 1,
      not_after: 2,
      renew_at: 1,
      advice_at: 1,
      renewal_id: "",
      directory_url: "https://ca.example/dir",
    }, clock.now()));
}

Deno.test("an edge gets certificates with their keys, and a sentinel none", async () => {
  await using api = await startApi();
  const acme = await api.tenant("acme");
  await certificate(api, "*.example.com");
  // It was copied to another row: it must not open there.
  await certificate(api, "copied.example.com", "shop.example.com");
  const token = await sentinelToken(api, acme);
  const edge = api.client(FrontlineService, await api.regionToken("*")).watchRoutes({ edgeId: "x" });
  const sentinel = api.client(FrontlineService, token).watchRoutes({ edgeId: "y" });
  const [edges, sentinels] = [edge[Symbol.asyncIterator](), sentinel[Symbol.asyncIterator]()];
  const first = await untilEnd(edges);
  const applied = first.flatMap(({ state }) => state.case === "applyCertificate" ? [state.value] : []);
  assert.deepEqual(
    applied.map((
      each,
    ) => [each.certificateId, each.hostname, each.certificateChainPem, each.privateKeyPem, each.notAfterMs]),
    [["cert_*.example.com", "*.example.com", "the chain", "the key", 2n]],
  );
  assert.deepEqual(
    first.flatMap(({ state }) => state.case === "problem" ? [state.value.resourceId] : []),
    ["cert_copied.example.com"],
  );
  assert.ok(
    !JSON.stringify((await untilEnd(sentinels)).map(({ state }) => state.case)).includes("ertificate"),
  );

  await transact(api.db, (tx) => deleteCertificate(tx, "*.example.com", clock.now()));
  const gone = await nextState(edges);
  assert.equal(
    gone.state.case === "deleteCertificate" && gone.state.value.certificateId,
    "cert_*.example.com",
  );
  // What comes after it shows that the sentinel was sent nothing of it.
  const own = await runNew(api, acme);
  await route(api, acme, "own.test", own);
  for (
    let state = await nextState(sentinels);
    state.state.case !== "applyRoute";
    state = await nextState(sentinels)
  ) {
    assert.ok(!state.state.case?.includes("ertificate") && state.state.case !== "problem");
  }
  await edges.return?.();
  await sentinels.return?.();
});

async function untilEnd(stream: AsyncIterator<RouteState>): Promise<RouteState[]> {
  const seen: RouteState[] = [];
  do seen.push(await nextState(stream)); while (seen.at(-1)?.state.case !== "snapshotEnd");
  return seen;
}
