import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { silentLogger } from "../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../pkg/testkit/manual_clock.ts";
import type { RegionLoad } from "./load.ts";
import { reportLoad } from "./load_reporter.ts";

const LOAD: RegionLoad = { deploymentId: "d", region: "eu", concurrencyMilli: 1_500 };

/** A reporter, and what reached the control plane. */
function start(answer: () => Promise<void> = () => Promise.resolve()) {
  const clock = new ManualClock();
  const stop = new AbortController();
  const state = { loads: new Array<RegionLoad>(), sent: new Array<string>() };
  const done = reportLoad({
    clock,
    log: silentLogger(),
    edgeId: "e",
    processId: "p",
    take: () => state.loads,
    client: {
      async reportLoad({ loads = [], isLast = false }) {
        state.sent.push(isLast ? "last" : loads.map(({ concurrencyMilli }) => concurrencyMilli).join());
        await answer();
        return { $typeName: "ctrl.v1.ReportLoadResponse" };
      },
    },
  }, stop.signal);
  return { clock, state, stop: () => (stop.abort(), done) };
}

Deno.test("reportLoad() sends nothing without a scaled deployment, one last empty report, and its end", async () => {
  const { clock, state, stop } = start();
  await clock.advance(10_000);
  assert.deepEqual(state.sent, []);
  state.loads = [LOAD];
  await clock.advance(4_000);
  assert.deepEqual(state.sent, ["1500", "1500"]);
  state.loads = [];
  await clock.advance(6_000);
  assert.deepEqual(state.sent, ["1500", "1500", ""]);
  state.loads = [LOAD];
  await clock.advance(2_000);
  await stop();
  assert.deepEqual(state.sent.slice(3), ["1500", "last"]);
});

Deno.test("reportLoad() goes on after a failure, and asks a control plane that does not know it once a minute", async () => {
  let code = Code.Unavailable;
  const { clock, state, stop } = start(() => Promise.reject(new ConnectError("no", code)));
  state.loads = [LOAD];
  await clock.advance(6_000);
  assert.equal(state.sent.length, 3);
  code = Code.Unimplemented;
  await clock.advance(2_000);
  await clock.advance(58_000);
  assert.equal(state.sent.length, 4);
  await clock.advance(4_000);
  assert.equal(state.sent.length, 5);
  await stop();
});
