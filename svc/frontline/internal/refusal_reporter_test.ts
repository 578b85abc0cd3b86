import assert from "node:assert/strict";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { createLogger } from "../../../pkg/logger/mod.ts";
import { eventually } from "../../../pkg/testkit/eventually.ts";
import { ManualClock } from "../../../pkg/testkit/manual_clock.ts";
import { FrontlineService } from "../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { reportRefusals } from "./refusal_reporter.ts";
import { Refusals } from "./refusals.ts";

interface Bed extends AsyncDisposable {
  readonly refusals: Refusals;
  readonly clock: ManualClock;
  readonly logs: string[];
  /** The calls that came, also those that failed. */
  readonly calls: (readonly string[])[];
  /** The control plane is away. */
  down: boolean;
}

function start(): Bed {
  const refusals = new Refusals();
  const clock = new ManualClock();
  const logs: string[] = [];
  const calls: (readonly string[])[] = [];
  const stop = new AbortController();
  const transport = createRouterTransport(({ service }) => {
    service(FrontlineService, {
      reportRefusals: ({ edgeId, refusals: lines }) => {
        calls.push(lines.map(({ deploymentId, text }) => `${edgeId} ${deploymentId} ${text}`));
        if (bed.down) throw new ConnectError("away", Code.Unavailable);
        return {};
      },
    });
  });
  const log = createLogger({ service: "frontline", level: "debug", write: (line) => void logs.push(line) });
  const client = createClient(FrontlineService, transport);
  const bed: Bed = {
    refusals,
    clock,
    logs,
    calls,
    down: false,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
    },
  };
  const running = reportRefusals({ refusals, client, clock, log, edgeId: "e" }, stop.signal);
  return bed;
}

/** Moves the clock until there were so many calls. */
async function called(bed: Bed, count: number): Promise<void> {
  await eventually(`${count} calls`, async () => {
    if (bed.calls.length < count) await bed.clock.advance(1_000);
    return bed.calls.length >= count;
  }, { everyMs: 1 });
}

Deno.test("reportRefusals() sends what there is, and makes no call for nothing", async () => {
  await using bed = start();
  await bed.clock.advance(5_000);
  assert.deepEqual(bed.calls, []);
  bed.refusals.note("d_1", "too large", bed.clock.now());
  bed.refusals.note("d_2", "too large", bed.clock.now());
  await called(bed, 1);
  assert.deepEqual(bed.calls, [["e d_1 too large", "e d_2 too large"]]);
  bed.refusals.note("d_1", "broken", bed.clock.now());
  await called(bed, 2);
  assert.deepEqual(bed.calls[1], ["e d_1 broken"], "what arrived is not sent again");
});

Deno.test("reportRefusals() sends again what did not arrive, with one line in the log for an outage", async () => {
  await using bed = start();
  bed.down = true;
  bed.refusals.note("d_1", "first", bed.clock.now());
  await called(bed, 3);
  bed.refusals.note("d_1", "second", bed.clock.now());
  bed.down = false;
  const before = bed.calls.length;
  await called(bed, before + 1);
  assert.deepEqual(bed.calls[0], ["e d_1 first"]);
  assert.deepEqual(bed.calls.at(-1), ["e d_1 first", "e d_1 second"], "in their order");
  assert.equal(bed.logs.length, 1);
  assert.match(bed.logs[0] ?? "", /reporting refusals failed/);
  bed.down = true;
  bed.refusals.note("d_1", "third", bed.clock.now());
  await called(bed, before + 3);
  assert.equal(bed.logs.length, 2, "another outage has a line of its own");
});
