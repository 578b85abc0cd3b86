import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../../pkg/testkit/manual_clock.ts";
import { FrontlineService } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { Waker } from "./waker.ts";

function start(answer: (call: number) => boolean) {
  const clock = new ManualClock();
  const state = { calls: 0, instances: 0 };
  const transport = createRouterTransport(({ rpc }) => {
    rpc(FrontlineService.method.wakeDeployment, () => ({ waking: answer(++state.calls) }));
  });
  const client = createClient(FrontlineService, transport);
  const waker = new Waker({ client, clock, log: silentLogger(), instancesOf: () => state.instances });
  const stop = new AbortController();
  return { clock, state, stop, result: waker.wake("d_1", stop.signal) };
}

Deno.test("a wake is asked for once, and again every five seconds until an instance is there", async () => {
  const { clock, state, result } = start(() => true);
  await clock.advance(4_500);
  assert.equal(state.calls, 1);
  await clock.advance(1_000);
  assert.equal(state.calls, 2);
  state.instances = 1;
  await clock.advance(5_000);
  assert.deepEqual(await result, { kind: "ready" });
  assert.equal(state.calls, 2);
});

Deno.test("a wake that fails is tried again with growing pauses", async () => {
  const { clock, state, stop, result } = start((call) => {
    if (call < 4) throw new ConnectError("away", Code.Unavailable);
    return true;
  });
  await clock.advance(3_000);
  assert.equal(state.calls, 4);
  stop.abort();
  assert.deepEqual(await result, { kind: "ready" });
});

Deno.test("a deployment that does not sleep has two seconds for instances that are on their way", async () => {
  const { clock, result } = start(() => false);
  await clock.advance(2_500);
  assert.deepEqual(await result, { kind: "awake" });
  const other = start(() => false);
  await other.clock.advance(1_000);
  other.state.instances = 1;
  await other.clock.advance(1_500);
  assert.deepEqual(await other.result, { kind: "ready" });
});

Deno.test("a control plane of an earlier release wakes nothing", async () => {
  const { clock, result } = start(() => {
    throw new ConnectError("unknown", Code.Unimplemented);
  });
  await clock.advance(500);
  assert.deepEqual(await result, { kind: "awake" });
});
