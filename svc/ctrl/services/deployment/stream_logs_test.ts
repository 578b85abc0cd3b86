import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { ClusterService } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { deployImage, eachRefused, next, refused, startApi } from "../testing.ts";
import { placeNew, REGION } from "../testing_agents.ts";

Deno.test("output is streamed from its tail on, and lines of a repeated batch come once", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { id } = await placeNew(api, tenant);
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  const line = (timeNs: bigint, text: string, instance = "i-1") => ({
    instance,
    timeNs,
    ordinal: 0,
    stream: "stdout",
    text,
  });
  const batch = {
    deploymentId: id,
    lines: [line(1_000_000n, "one"), line(2_000_000n, "two"), line(3_000_000n, "three")],
  };
  await agent.reportInstanceLogs(batch);
  await agent.reportInstanceLogs(batch);
  const client = api.client(DeploymentService, tenant.rootKey);
  const texts: string[] = [];
  for await (const { message } of client.streamInstanceLogs({ deploymentId: id, tail: 2 })) {
    if (message.case === "line") texts.push(`${message.value.time} ${message.value.text}`);
  }
  assert.deepEqual(texts, ["2 two", "3 three"]);

  const follow = (tail: number) => {
    const stream = client.streamInstanceLogs({ deploymentId: id, tail, follow: true })
      [Symbol.asyncIterator]();
    const lineOf = async (): Promise<string> => {
      const { message } = await next(stream);
      return message.case === "line" ? message.value.text : await lineOf();
    };
    return { lineOf, close: () => stream.return?.() };
  };
  const [gone, one, other] = [follow(1), follow(1), follow(2)];
  assert.equal(await other.lineOf(), "two");
  for (const each of [gone, one, other]) assert.equal(await each.lineOf(), "three");
  await gone.close();
  // An instance that is shipped late is not lost because another one is ahead.
  await agent.reportInstanceLogs({
    deploymentId: id,
    lines: [line(1n, "late", "i-2"), line(4_000_000n, "four")],
  });
  for (const each of [one, other]) {
    assert.deepEqual([await each.lineOf(), await each.lineOf()], ["late", "four"]);
    await each.close();
  }
  await refused(
    agent.reportInstanceLogs({ deploymentId: id, lines: [{ ...line(1n, "x"), stream: "x" }] }),
    Code.InvalidArgument,
    /stream/,
  );
});

Deno.test("streamLogs() refuses tails beyond 10,000 lines, and ends at once without output", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const deploymentId = await deployImage(api, tenant);
  const client = api.client(DeploymentService, tenant.rootKey);
  const first = (tail: number, id = deploymentId) =>
    client.streamInstanceLogs({ deploymentId: id, tail })[Symbol.asyncIterator]().next();
  await eachRefused(t, [
    ["a negative tail", () => first(-1), Code.InvalidArgument, /^tail must be between 0 and 10000: got "-1"/],
    ["a tail over the limit", () => first(10_001), Code.InvalidArgument, /^tail must be between/],
    ["an unknown deployment", () => first(1, "d_missing"), Code.NotFound, /was not found/],
  ]);
  for (const tail of [0, 10_000]) assert.equal((await first(tail)).done, true);
});
