/** Output and events by REST: in one answer, and as streams of lines. */
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { ClusterService } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { deployImage, move, startApi, type TestApi } from "../../services/testing.ts";
import { setUpLife } from "../../services/testing_lifecycle.ts";
import { placeNew, REGION } from "../../services/testing_agents.ts";
import { callRest, checkedFetch, valueAt } from "./testing.ts";

const LINES_READ_MAX = 1_000;

/** The lines of a stream; leaving the loop ends it. */
async function* streamOf(
  api: TestApi,
  route: string,
  body: object,
  key: string,
): AsyncGenerator<unknown> {
  const stop = new AbortController();
  const response = await checkedFetch(`${api.url}/v2/deploy.${route}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
    signal: stop.signal,
  });
  assert.equal(response.status, 200);
  let rest = "";
  let read = 0;
  try {
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      for (const each of parts) {
        assert.ok(++read <= LINES_READ_MAX);
        yield JSON.parse(each);
      }
    }
  } finally {
    stop.abort();
  }
}

async function nextOf(stream: AsyncGenerator<unknown>, kind: string, ...path: string[]): Promise<unknown> {
  for (;;) {
    const { value, done } = await stream.next();
    assert.ok(done !== true, `the stream ended before ${kind}`);
    if (valueAt(value, ["kind"]) === (kind === "line" ? undefined : kind)) return valueAt(value, path);
  }
}

async function withOutput(api: TestApi) {
  const tenant = await api.tenant("acme");
  const { id: deploymentId } = await placeNew(api, tenant);
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  const print = (text: string, ms: number) =>
    agent.reportInstanceLogs({
      deploymentId,
      lines: [{ instance: "i-1", timeNs: BigInt(ms) * 1_000_000n, ordinal: 0, stream: "stdout", text }],
    });
  await print("one", 1);
  await print("two", 2);
  return { tenant, deploymentId, print };
}

Deno.test("REST returns the last lines of output, and follows new ones", async () => {
  await using api = await startApi();
  const { tenant: { rootKey }, deploymentId, print } = await withOutput(api);
  const last = await callRest(api.url, "getLogs", { deploymentId, tail: 1 }, rootKey);
  assert.deepEqual(last.data["lines"], [
    { instance: "i-1", region: REGION, time: 2, stream: "stdout", text: "two" },
  ]);
  const since = await callRest(api.url, "getLogs", { deploymentId, until: 2 }, rootKey);
  assert.equal(since.at("lines", 0, "text"), "one");
  assert.equal(since.at("lines", 1), undefined);

  const stream = streamOf(api, "streamLogs", { deploymentId, tail: 1 }, rootKey);
  await nextOf(stream, "heartbeat");
  assert.equal(await nextOf(stream, "line", "text"), "two");
  await print("three", 3);
  assert.equal(await nextOf(stream, "line", "text"), "three");
  await stream.return(undefined);
});

Deno.test("REST returns 4 MiB of output at most, the last lines, and says that older ones are missing", async () => {
  await using api = await startApi();
  const { tenant: { rootKey }, deploymentId, print } = await withOutput(api);
  const text = "x".repeat(65_536);
  for (let n = 0; n < 65; n++) await print(`${n} ${text}`.slice(0, 65_536), 10 + n);
  const { data, at } = await callRest(api.url, "getLogs", { deploymentId, tail: 1_000 }, rootKey);
  assert.ok(Array.isArray(data["lines"]));
  assert.deepEqual([data["lines"].length, data["truncated"]], [64, true]);
  assert.match(String(at("lines", 0, "text")), /^1 x/);
  assert.match(String(at("lines", 63, "text")), /^64 x/);
  const few = await callRest(api.url, "getLogs", { deploymentId, tail: 2 }, rootKey);
  assert.equal(few.at("truncated"), false);
});

Deno.test("a read of output counts as one of the workspace's streams", async () => {
  await using api = await startApi();
  const { tenant: { workspaceId, rootKey }, deploymentId } = await withOutput(api);
  const admin = api.client(AdminService, "service-token-of-the-tests");
  await admin.setLimit({ workspaceId, name: "streams", value: 1n });
  const read = () => callRest(api.url, "getLogs", { deploymentId }, rootKey);
  assert.deepEqual([(await read()).status, (await read()).status], [200, 200], "one after the other");
  const stream = streamOf(api, "streamLogs", { deploymentId, tail: 0 }, rootKey);
  await nextOf(stream, "heartbeat");
  const refused = await read();
  assert.deepEqual([refused.status, refused.type], [429, "application/rate_limited"]);
  await stream.return(undefined);
});

Deno.test("a stream ends with an error line when its key is revoked", async () => {
  await using api = await startApi();
  const { tenant, deploymentId } = await withOutput(api);
  const admin = api.client(AdminService, tenant.rootKey);
  const { key, keyId } = await admin.createRootKey({ permissions: ["project.*.read_logs"] });
  const stream = streamOf(api, "streamLogs", { deploymentId, tail: 0 }, key);
  await nextOf(stream, "heartbeat");
  await admin.revokeRootKey({ keyId });
  assert.equal(await nextOf(stream, "error", "error", "status"), 401);
  assert.equal((await stream.next()).done, true);
});

Deno.test("a stream counts as one of the workspace's, until its client leaves", async () => {
  await using api = await startApi();
  const { tenant, deploymentId } = await withOutput(api);
  const admin = api.client(AdminService, "service-token-of-the-tests");
  await admin.setLimit({ workspaceId: tenant.workspaceId, name: "streams", value: 1n });
  const stream = streamOf(api, "streamLogs", { deploymentId, tail: 0 }, tenant.rootKey);
  await nextOf(stream, "heartbeat");
  const second = await callRest(api.url, "streamLogs", { deploymentId }, tenant.rootKey);
  assert.deepEqual([second.status, second.type], [429, "application/rate_limited"]);
  await stream.return(undefined);
  for (;;) {
    const again = streamOf(api, "streamLogs", { deploymentId, tail: 0 }, tenant.rootKey);
    const { value } = await again.next().catch(() => ({ value: undefined }));
    await again.return(undefined);
    if (value !== undefined) return;
  }
});

Deno.test("a stream of events goes on after a sequence, and ends with the final status", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const deploymentId = await deployImage(api, tenant);
  const stream = streamOf(api, "streamEvents", { deploymentId }, tenant.rootKey);
  assert.equal(await nextOf(stream, "status", "status"), "PENDING");
  await move(api, deploymentId, "deploying");
  assert.equal(await nextOf(stream, "status", "status"), "DEPLOYING");
  await move(api, deploymentId, "ready");
  assert.equal(await nextOf(stream, "status", "status"), "READY");
  assert.equal((await stream.next()).done, true);
  const resumed = streamOf(api, "streamEvents", { deploymentId, afterSequence: 2 }, tenant.rootKey);
  assert.equal(await nextOf(resumed, "status", "sequence"), 3);
});

Deno.test("REST lists instances and their events; another workspace's deployment is missing", async () => {
  await using api = await startApi();
  const { tenant, d1 } = await setUpLife(api);
  const other = await api.tenant("globex");
  const listed = await callRest(api.url, "listInstances", { deploymentId: d1 }, tenant.rootKey);
  assert.deepEqual([listed.status, listed.at("instances", 0, "status")], [200, "running"]);
  const events = await callRest(api.url, "listInstanceEvents", { deploymentId: d1 }, tenant.rootKey);
  assert.deepEqual(events.data, { events: [] });
  for (const route of ["listInstances", "listInstanceEvents", "getLogs", "streamLogs", "streamEvents"]) {
    const { status, type } = await callRest(api.url, route, { deploymentId: d1 }, other.rootKey);
    assert.deepEqual([route, status, type], [route, 404, "data/project_not_found"]);
  }
});

Deno.test("REST plans a promote and a rollback, redeploys once for each key, and ends a branch", async () => {
  await using api = await startApi();
  const { tenant, d1, d2, d3 } = await setUpLife(api);
  const call = (route: string, body: object, headers = {}) =>
    callRest(api.url, route, body, tenant.rootKey, headers);
  const promote = await call("planPromote", { deploymentId: d3 });
  assert.partialDeepStrictEqual(promote.data, {
    fromDeploymentId: d2,
    toDeploymentId: d3,
    rolledBack: false,
  });
  const back = await call("planRollback", { projectId: tenant.projectId });
  assert.partialDeepStrictEqual(back.data, { fromDeploymentId: d2, toDeploymentId: d1, rolledBack: true });
  const refused = await call("planPromote", { deploymentId: d2 });
  assert.deepEqual([refused.status, refused.type], [412, "application/precondition_failed"]);
  const key = { "idempotency-key": "redeploy-1" };
  const once = await call("redeploy", { deploymentId: d1 }, key);
  const twice = await call("redeploy", { deploymentId: d1 }, key);
  assert.deepEqual([once.status, twice.data], [201, once.data]);
  assert.notEqual(once.data["deploymentId"], d1);
  const missing = await call("redeploy", { deploymentId: "d_missing" });
  assert.deepEqual([missing.status, missing.type], [404, "data/project_not_found"]);
  const ended = await call("endBranch", { projectId: tenant.projectId, branch: "feature/x" });
  assert.deepEqual(ended.data, { stoppedDeploymentIds: [], cancelledDeploymentIds: [] });
});
