import assert from "node:assert/strict";
import { quantile } from "../bench/row.ts";
import { switchUnderLoad } from "../testbed/switch_load.ts";

const REQUESTS = 10_000;
const ROLLBACKS = 100;

/** The counts decide here; how fast a switch is, `deno task bench switch` judges on a machine that does nothing else. */
Deno.test("no request of 10,000 fails during deploys, 100 rollbacks and 100 promotes", async (t) => {
  const { asked, failed, rollbacksMs, promotesMs, receipts } = await switchUnderLoad({
    ...{ deploys: 3, rollbacks: ROLLBACKS, requests: REQUESTS },
    ...{ lanes: 8, pauseMs: 40, quietMs: 250 },
  });
  const times = [["rollback", rollbacksMs], ["promote", promotesMs]] as const;
  for (const [name, values] of times) {
    const [p50, p99] = [quantile(values, 0.5), quantile(values, 0.99)];
    // In the name, since deno shows no output of tests when it is quiet.
    await t.step(
      `${name} to the last old answer: p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`,
      () => assert.equal(values.length, ROLLBACKS),
    );
  }
  // The next switch may come before an edge of a busy machine has said that it follows: then that receipt is over.
  const followed = receipts.filter(({ edges }) => edges.every((each) => each.acknowledgedMs !== undefined));
  const tookMs = followed.map((each) => Number(each.tookMs));
  await t.step(
    `receipts: p50 ${quantile(tookMs, 0.5).toFixed(0)} ms from commit to edge, p99 ${
      quantile(tookMs, 0.99).toFixed(0)
    } ms`,
    () => {
      assert.equal(receipts.length, ROLLBACKS);
      for (const { edges, failedByEdge, failedByFormer, failedByTarget } of receipts) {
        assert.deepEqual([failedByEdge, failedByFormer, failedByTarget], [0n, 0n, 0n]);
        assert.equal(edges.length, 1);
      }
      assert.ok(followed.length > 0);
    },
  );
  assert.deepEqual(failed, []);
  assert.ok(asked >= REQUESTS, `${asked} requests`);
});
