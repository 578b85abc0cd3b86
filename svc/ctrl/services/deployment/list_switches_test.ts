import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { FrontlineService } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { ReceiptState } from "../../../../proto/gen/ctrl/v1/traffic_switch_pb.ts";
import { callRest } from "../../api/rest/testing.ts";
import { AGENT_HEARTBEAT_TIMEOUT_MS } from "../../internal/agents/mod.ts";
import { EDGE_REGION, findRegionVersion, recordSwitch } from "../../internal/store/mod.ts";
import { clock, deployImage, eachRefused, refused, startApi, type Tenant, type TestApi } from "../testing.ts";
import { environmentOf } from "../testing_agents.ts";

/** A deployment to which live traffic has just moved. */
async function switched(api: TestApi, tenant: Tenant, environmentSlug = "production"): Promise<string> {
  const id = await deployImage(api, tenant, environmentSlug);
  const environmentId = await environmentOf(api, id);
  const nowMs = clock.now();
  await transact(api.db, (tx) =>
    recordSwitch(tx, {
      workspaceId: tenant.workspaceId,
      projectId: tenant.projectId,
      environmentId,
      environmentSlug,
      deploymentId: id,
      previousDeploymentId: undefined,
      cause: "deploy",
      nowMs,
      edgesSinceMs: nowMs - AGENT_HEARTBEAT_TIMEOUT_MS,
    }));
  return id;
}

Deno.test("listSwitches() has an edge's acknowledgement and its failed requests, as REST has", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const edge = api.client(FrontlineService, await api.regionToken("*"));
  await edge.acknowledgeRoutes({ edgeId: "edge-1", region: "eu", appliedVersion: 0n });
  const id = await switched(api, tenant);
  const client = api.client(DeploymentService, tenant.rootKey);
  const newest = async () => (await client.listSwitches({ deploymentId: id })).switches[0];
  const version = await findRegionVersion(api.db.kysely, EDGE_REGION);
  assert.equal((await newest())?.receipt?.state, ReceiptState.WAITING);

  const slot = 4_000_000n;
  const failedRequests = {
    countedSlot: slot + 20n,
    countedMsAgo: 0,
    slots: [
      { slot: slot + 20n, deploymentId: id, byEdge: 1, byInstance: 2 },
      { slot: slot - 400n, deploymentId: id, byEdge: 50, byInstance: 50 },
    ],
  };
  const report = { edgeId: "edge-1", region: "eu", appliedVersion: BigInt(version) + 1n, failedRequests };
  // An answer that was lost: the edge sends the same again.
  for (let times = 0; times < 2; times++) await edge.acknowledgeRoutes(report);
  const found = await newest();
  assert.deepEqual(found?.receipt?.edges.map(({ edgeId, region }) => [edgeId, region]), [["edge-1", "eu"]]);
  assert.equal(found.receipt.state, ReceiptState.COUNTING);
  assert.ok((found.receipt.edges[0]?.acknowledgedMs ?? -1n) >= 0n);
  assert.deepEqual([found.receipt.failedByEdge, found.receipt.failedByTarget], [1n, 2n]);

  const { status, data } = await callRest(api.url, "listSwitches", { deploymentId: id }, tenant.rootKey);
  assert.equal(status, 200);
  assert.partialDeepStrictEqual(data, {
    switches: [{
      toDeploymentId: id,
      projectSlug: "shop",
      cause: "deploy",
      receipt: { state: "COUNTING", failedByEdge: 1 },
    }],
  });
});

Deno.test("listSwitches() pages newest first, and shows what the key may read only", async () => {
  await using api = await startApi();
  const [tenant, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const admin = api.client(AdminService, tenant.rootKey);
  const { project } = await admin.createProject({ slug: "blog" });
  const blog = { ...tenant, projectId: project?.id ?? "" };
  const moved = [
    await switched(api, tenant),
    await switched(api, blog),
    await switched(api, tenant, "preview"),
  ];
  await switched(api, other);
  const client = api.client(DeploymentService, tenant.rootKey);
  const seen: string[] = [];
  for (let pageToken = "";;) {
    const page = await client.listSwitches({ pageSize: 1, pageToken });
    seen.push(...page.switches.map(({ toDeploymentId }) => toDeploymentId));
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
  }
  assert.deepEqual(seen.toSorted(), moved.toSorted());
  const targets = async (filter: Parameters<typeof client.listSwitches>[0], key = tenant.rootKey) =>
    (await api.client(DeploymentService, key).listSwitches(filter)).switches.map((each) =>
      each.toDeploymentId
    );
  const { switches } = await client.listSwitches({ projectId: blog.projectId });
  assert.deepEqual(switches.map(({ projectSlug }) => projectSlug), ["blog"]);
  assert.deepEqual(await targets({ projectId: blog.projectId }), [moved[1]]);
  assert.deepEqual(await targets({ environmentSlug: "preview" }), [moved[2]]);
  assert.deepEqual(await targets({ deploymentId: moved[0] ?? "" }), [moved[0]]);
  const { key } = await admin.createRootKey({ permissions: [`project.${blog.projectId}.read_deployment`] });
  assert.deepEqual(await targets({}, key), [moved[1]]);
  await refused(targets({ projectId: tenant.projectId }, key), Code.PermissionDenied, /read_deployment/);
  await refused(targets({ deploymentId: moved[0] ?? "" }, key), Code.PermissionDenied, /read_deployment/);
  await refused(targets({ deploymentId: moved[0] ?? "" }, other.rootKey), Code.NotFound, /was not found/);
  await refused(client.listSwitches({ pageToken: "x" }), Code.InvalidArgument, /page_token/);
  await refused(client.listSwitches({ pageSize: -1 }), Code.InvalidArgument, /page_size/);
});

Deno.test("acknowledgeRoutes() refuses what no edge reports", async (t) => {
  await using api = await startApi();
  const edge = api.client(FrontlineService, await api.regionToken("*"));
  const base = { edgeId: "edge-1", appliedVersion: 1n };
  const slots = (count: number, deploymentId: string) =>
    Array.from({ length: count }, (_each, slot) => ({ slot: BigInt(slot), deploymentId, byEdge: 1 }));
  const send =
    (failedRequests: { readonly countedSlot: bigint; readonly slots: ReturnType<typeof slots> }) => () =>
      edge.acknowledgeRoutes({ ...base, failedRequests });
  await eachRefused(t, [
    [
      "too many slots",
      send({ countedSlot: 9_000n, slots: slots(1_001, "d_1") }),
      Code.InvalidArgument,
      /^failed_requests must have at most 1000 slots/,
    ],
    [
      "a malformed deployment",
      send({ countedSlot: 1n, slots: slots(1, "x") }),
      Code.InvalidArgument,
      /^failed_requests\.deployment_id must look like/,
    ],
    [
      "a number that is too large",
      send({ countedSlot: 2n ** 60n, slots: [] }),
      Code.InvalidArgument,
      /^failed_requests\.counted_slot must be/,
    ],
    [
      "a long region",
      () => edge.acknowledgeRoutes({ ...base, region: "x".repeat(64) }),
      Code.InvalidArgument,
      /^region must have at most/,
    ],
  ]);
});
