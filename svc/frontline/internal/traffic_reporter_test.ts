import assert from "node:assert/strict";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { createLogger } from "../../../pkg/logger/mod.ts";
import { eventually } from "../../../pkg/testkit/eventually.ts";
import { ManualClock } from "../../../pkg/testkit/manual_clock.ts";
import { FrontlineService } from "../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { reportTraffic } from "./traffic_reporter.ts";
import { Traffic } from "./traffic.ts";

/** A reporter on a clock that the test moves, and a control plane that may answer with an error. */
function start() {
  const traffic = new Traffic("run");
  const clock = new ManualClock();
  const logs: string[] = [];
  const calls: { readonly startedAt: number; readonly responses: readonly number[] }[] = [];
  const bed: { error: ConnectError | undefined } = { error: undefined };
  const transport = createRouterTransport(({ service }) => {
    service(FrontlineService, {
      reportTraffic: ({ startedAt, deployments }) => {
        calls.push({
          startedAt: Number(startedAt),
          responses: deployments.map((each) => each.responses[4] ?? 0),
        });
        if (bed.error !== undefined) throw bed.error;
        return { now: BigInt(clock.now()) };
      },
    });
  });
  const log = createLogger({ service: "frontline", level: "debug", write: (line) => void logs.push(line) });
  const stop = new AbortController();
  const client = createClient(FrontlineService, transport);
  const running = reportTraffic({ traffic, client, clock, log, edgeId: "e", region: "eu" }, stop.signal);
  return {
    ...{ traffic, clock, logs, calls, bed },
    fail: (): void => traffic.of("d", clock.now())?.failed(503),
    /** Moves the clock until there were so many calls. */
    called: (count: number): Promise<void> =>
      eventually(`${count} calls`, async () => {
        if (calls.length < count) await clock.advance(1_000);
        return calls.length >= count;
      }, { everyMs: 1 }),
    [Symbol.asyncDispose]: async (): Promise<void> => {
      stop.abort();
      await running;
    },
  };
}

Deno.test("intervals are reported each 10 s, and again in their order while the control plane is away", async () => {
  await using bed = start();
  bed.fail();
  await bed.called(1);
  bed.bed.error = new ConnectError("away", Code.Unavailable);
  for (const count of [2, 3]) {
    bed.fail();
    await bed.called(count);
  }
  bed.bed.error = undefined;
  await bed.called(5);
  const [first, ...again] = bed.calls.map(({ startedAt }) => startedAt);
  assert.deepEqual(again.slice(0, 3), [again[0], again[0], again[0]], "the one that failed comes first");
  assert.ok(first !== undefined && again[0] !== undefined && first < again[0]);
  assert.ok(again[3] !== undefined && again[3] > again[0], "then the next one");
  assert.equal(bed.logs.length, 1);
});

Deno.test("what the control plane never takes is not sent again, and the last seconds are sent at the end", async () => {
  const bed = start();
  for (const [calls, code] of [Code.InvalidArgument, Code.Unimplemented].entries()) {
    bed.bed.error = new ConnectError("no", code);
    bed.fail();
    await bed.called(calls + 1);
    await bed.clock.advance(25_000);
    assert.equal(bed.calls.length, calls + 1);
  }
  bed.bed.error = undefined;
  bed.fail();
  await bed[Symbol.asyncDispose]();
  assert.deepEqual(bed.calls.map(({ responses }) => responses), [[1], [1], [1]]);
});
