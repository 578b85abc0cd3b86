import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { ClusterService } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { createVersioningSteps } from "../../worker/versioning/steps.ts";
import { stopTopology } from "../../internal/store/mod.ts";
import { clock, deployImage, place, refused, startApi } from "../testing.ts";
import { nextState, placeNew, REGION } from "../testing_agents.ts";

Deno.test("an agent gets its region's deployments with decrypted variables, then changes, then the stop", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  await api.client(AdminService, tenant.rootKey).setEnvironmentVariables({
    projectId: tenant.projectId,
    environmentSlug: "production",
    variables: { TOKEN: "s3cret", EMPTY: "" },
  });
  const first = await placeNew(api, tenant);
  const commit = { git_commit_sha: "0a1b2c3", git_branch: "main", git_commit_author_handle: "ada" };
  await api.db.kysely.updateTable("deployments").set(commit).where("id", "=", first.id).execute();
  const elsewhere = await deployImage(api, tenant);
  await place(api, tenant, elsewhere, "us-east-1.aws");
  const client = api.client(ClusterService, await api.regionToken(REGION));
  const stream = client.watchDeployments({ region: REGION, agentId: "krane-1" })[Symbol.asyncIterator]();
  const { state: apply, version } = await nextState(stream);
  assert.equal(apply.case, "apply");
  assert.deepEqual({ ...apply.value.environmentVariables }, { TOKEN: "s3cret", EMPTY: "" });
  const { gitCommitSha, gitBranch, gitCommitAuthorHandle } = apply.value;
  assert.deepEqual([gitCommitSha, gitBranch, gitCommitAuthorHandle], ["0a1b2c3", "main", "ada"]);
  const { deploymentId, k8sName, image, replicas, port, memoryMib, pidsMax, ephemeralStorageMib } =
    apply.value;
  assert.deepEqual(
    { deploymentId, k8sName, image, replicas, port, memoryMib, pidsMax, ephemeralStorageMib },
    {
      deploymentId: first.id,
      k8sName: first.k8sName,
      image: "nginx:1.29",
      replicas: 1,
      port: 8080,
      memoryMib: 256n,
      // The agent's own settings decide.
      pidsMax: 0,
      ephemeralStorageMib: 0n,
    },
  );
  const end = await nextState(stream);
  assert.deepEqual([end.state.case, end.version], ["snapshotEnd", version]);
  const single = await client.getDesiredDeploymentState({ deploymentId: first.id });
  assert.deepEqual(single.state, apply, "both reads say the same");
  await refused(client.getDesiredDeploymentState({ deploymentId: elsewhere }), Code.NotFound, /not placed/);

  await transact(api.db, (tx) => stopTopology(tx, { deploymentId: first.id, nowMs: clock.now() }));
  const stop = await nextState(stream);
  assert.deepEqual([stop.state.case, stop.version], ["delete", version + 1n]);
  await stream.return?.();

  const resumed = client.watchDeployments({ region: REGION, versionLastSeen: version })
    [Symbol.asyncIterator]();
  const again = await nextState(resumed);
  assert.deepEqual([again.state.case, again.version], ["delete", version + 1n], "no snapshot comes again");
  await resumed.return?.();
});

/** Compacted changes are gone, so the stream must send a snapshot instead. */
Deno.test("a cursor older than the kept changes gets a snapshot, a younger one resumes", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const ids = [await placeNew(api, tenant), await placeNew(api, tenant), await placeNew(api, tenant)].map((
    { id },
  ) => id);
  const keepMs = 3_600_000;
  const later = { ...clock, now: () => clock.now() + 2 * keepMs };
  const steps = createVersioningSteps({ db: api.db, clock: later, keepMs, keepVersions: 1 });
  assert.deepEqual([await steps.version(REGION), await steps.compact(REGION)], [3, 2]);
  const client = api.client(ClusterService, await api.regionToken(REGION));
  const messagesSince = async (versionLastSeen: bigint, count: number) => {
    const stream = client.watchDeployments({ region: REGION, agentId: "krane-1", versionLastSeen })
      [Symbol.asyncIterator]();
    const messages = [];
    while (messages.length < count) messages.push(await nextState(stream));
    await stream.return?.();
    return messages.map(({ state, version }) =>
      state.case === "apply" ? ids.indexOf(state.value.deploymentId) : `${state.case} ${version}`
    );
  };
  assert.deepEqual(await messagesSince(1n, 4), [0, 1, 2, "snapshotEnd 3"]);
  assert.deepEqual(await messagesSince(2n, 1), [2], "every change after it is kept");
});
