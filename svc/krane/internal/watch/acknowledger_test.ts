import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { until } from "../../testing.ts";
import { type Acknowledgement, Acknowledger } from "./acknowledger.ts";

/** A version is applied only when every stream has applied it. */
Deno.test("Acknowledger sends the version of the slower stream, and the kind of each result", async () => {
  const sent: Acknowledgement[] = [];
  const acknowledger = new Acknowledger({
    send: (message) => Promise.resolve(void sent.push(message)),
    watches: [{ cursor: 9, observed: 9 }, { cursor: 4, observed: 7 }],
    agentId: "agt_1",
    clock: systemClock(),
    log: silentLogger(),
  });
  acknowledger.add({ resourceType: "sentinel", resourceId: "se_1", version: 7, error: "no" });
  acknowledger.add({ resourceType: "deployment", resourceId: "d_1", version: 9, error: "" });
  const stop = new AbortController();
  const done = acknowledger.run(stop.signal);
  const first = await until("the first message", () => sent[0]);
  stop.abort();
  await done;
  assert.deepEqual([first.appliedVersion, first.observedVersion], [4n, 9n]);
  assert.deepEqual(first.results?.map(({ resourceType, resourceId }) => [resourceType, resourceId]), [
    ["sentinel", "se_1"],
    ["deployment", "d_1"],
  ]);
});
