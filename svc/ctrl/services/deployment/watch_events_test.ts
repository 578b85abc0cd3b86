import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import {
  DeploymentService,
  DeploymentStatus,
  type WatchDeploymentEventsResponse,
} from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { appendEvent } from "../../internal/store/mod.ts";
import { deployImage, eachRefused, move, next, startApi } from "../testing.ts";
import { Code } from "@connectrpc/connect";

Deno.test("a watch resumes after its last sequence, and ends with the final status", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const id = await deployImage(api, tenant);
  const client = api.client(DeploymentService, tenant.rootKey);
  const watch = (afterSequence: bigint) =>
    client.watchDeploymentEvents({ deploymentId: id, afterSequence })[Symbol.asyncIterator]();
  const stream = watch(0n);
  assert.deepEqual(brief(await next(stream)), [1n, "status", DeploymentStatus.PENDING]);
  await move(api, id, "deploying");
  assert.deepEqual(brief(await next(stream)), [2n, "status", DeploymentStatus.DEPLOYING]);
  await transact(api.db, async (tx) => {
    await appendEvent(tx, id, "log", { source: "build", origin: "RUN make", lines: ["a", "b"] }, 1);
    await appendEvent(tx, id, "notice", { message: "mind the gap" }, 1);
  });
  assert.deepEqual(brief(await next(stream)), [3n, "log", ["a", "b"]]);
  await stream.return?.();

  const resumed = watch(3n);
  assert.deepEqual(brief(await next(resumed)), [4n, "notice", "mind the gap"]);
  await move(api, id, "ready");
  assert.deepEqual(brief(await next(resumed)), [5n, "status", DeploymentStatus.READY]);
  assert.equal((await resumed.next()).done, true);
  assert.equal((await watch(5n).next()).done, true, "nothing is left to say");
});

function brief({ event }: WatchDeploymentEventsResponse): unknown[] {
  if (event.case !== "deploymentEvent") return [event.case];
  const { sequence, payload } = event.value;
  switch (payload.case) {
    case "status":
      return [sequence, "status", payload.value.status];
    case "log":
      return [sequence, "log", payload.value.lines];
    case "notice":
      return [sequence, "notice", payload.value.message];
    default:
      return [sequence, payload.case];
  }
}

Deno.test("watchEvents() refuses cursors that no event has, before the first message", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const deploymentId = await deployImage(api, tenant);
  const client = api.client(DeploymentService, tenant.rootKey);
  const first = (afterSequence: bigint, id = deploymentId) =>
    client.watchDeploymentEvents({ deploymentId: id, afterSequence })[Symbol.asyncIterator]().next();
  await eachRefused(t, [
    ["a negative cursor", () => first(-1n), Code.InvalidArgument, /^after_sequence must not be negative/],
    ["a cursor beyond 2^53", () => first(1n << 60n), Code.InvalidArgument, /^after_sequence/],
    ["an unknown deployment", () => first(0n, "d_missing"), Code.NotFound, /was not found/],
  ]);
});
