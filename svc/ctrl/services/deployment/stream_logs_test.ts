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

Deno.test("streamLogs() refuses wrong ranges, and ends at once without output", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const deploymentId = await deployImage(api, tenant);
  const client = api.client(DeploymentService, tenant.rootKey);
  const first = (tail: number, id = deploymentId) =>
    client.streamInstanceLogs({ deploymentId: id, tail })[Symbol.asyncIterator]().next();
  const ranged = (range: { since?: bigint; until?: bigint; follow?: boolean; instance?: string }) =>
    client.streamInstanceLogs({ deploymentId, tail: 1, ...range })[Symbol.asyncIterator]().next();
  await eachRefused(t, [
    [
      "a negative tail",
      () => first(-1),
      Code.InvalidArgument,
      /^tail must be between 0 and 100000: got "-1"/,
    ],
    ["a tail over the limit", () => first(100_001), Code.InvalidArgument, /^tail must be between/],
    ["a negative time", () => ranged({ since: -1n }), Code.InvalidArgument, /^since must be milliseconds/],
    [
      "an end of what goes on",
      () => ranged({ until: 1n, follow: true }),
      Code.InvalidArgument,
      /^until ends/,
    ],
    ["a name with NUL", () => ranged({ instance: "\0" }), Code.InvalidArgument, /^instance must not contain/],
    ["an unknown deployment", () => first(1, "d_missing"), Code.NotFound, /was not found/],
  ]);
  for (const tail of [0, 100_000]) assert.equal((await first(tail)).done, true);
});

Deno.test("output is filtered by time, instance and region, and so are new lines", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { id: deploymentId } = await placeNew(api, tenant);
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  const line = (instance: string, ms: bigint) => ({
    instance,
    timeNs: ms * 1_000_000n,
    ordinal: 0,
    stream: "stdout",
    text: `${instance} ${ms}`,
  });
  const lines = [line("web-1", 1n), line("web-1", 5n), line("web-2", 3n), line("web-2", 9n)];
  await agent.reportInstanceLogs({ deploymentId, lines });
  const client = api.client(DeploymentService, tenant.rootKey);
  const texts = async (range: { since?: bigint; until?: bigint; instance?: string; region?: string }) => {
    const found: string[] = [];
    for await (const { message } of client.streamInstanceLogs({ deploymentId, tail: 100, ...range })) {
      if (message.case === "line") found.push(message.value.text);
    }
    return found;
  };
  assert.deepEqual(await texts({ since: 3n, until: 9n }), ["web-2 3", "web-1 5"]);
  assert.deepEqual(await texts({ instance: "web-1" }), ["web-1 1", "web-1 5"]);
  assert.deepEqual(await texts({ instance: "web" }), ["web-1 1", "web-2 3", "web-1 5", "web-2 9"]);
  assert.deepEqual(await texts({ region: "elsewhere" }), []);

  const followed = client.streamInstanceLogs({ deploymentId, tail: 1, follow: true, instance: "web-2" })
    [Symbol.asyncIterator]();
  const text = async (): Promise<string> => {
    const { message } = await next(followed);
    return message.case === "line" ? message.value.text : await text();
  };
  assert.equal(await text(), "web-2 9");
  await agent.reportInstanceLogs({ deploymentId, lines: [line("web-1", 10n), line("web-2", 11n)] });
  assert.equal(await text(), "web-2 11");
  await followed.return?.();
});
