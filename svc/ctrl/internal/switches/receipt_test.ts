import assert from "node:assert/strict";
import type { StoredSwitch } from "../store/mod.ts";
import { SWITCH_ROWS } from "../store/testing_rows_switches.ts";
import { failedRequests, RECEIPT_MS_MAX, receiptOf } from "./mod.ts";

const COMMIT = 1_760_000_000_000;

type EdgeTimes = readonly [acknowledgedMs: number | null, countedMs: number | null];

/** A switch of two edges or more; times are after its commit. */
function stored(
  edges: Readonly<Record<string, EdgeTimes>>,
  { supersededMs, failures = [] }: {
    readonly supersededMs?: number;
    readonly failures?:
      readonly (readonly [endedMs: number, deployment: string, edge: number, instance: number])[];
  } = {},
): StoredSwitch {
  const after = (ms: number | null | undefined): number | null =>
    ms === null || ms === undefined ? null : COMMIT + ms;
  return {
    row: {
      ...SWITCH_ROWS.traffic_switches,
      created_at: COMMIT,
      superseded_at: after(supersededMs),
      ended_at: null,
    },
    edges: Object.entries(edges).map(([id, [acknowledgedMs, countedMs]]) => ({
      switch_id: "sw",
      agent_id: `*:${id}`,
      region: id.slice(0, 2),
      acknowledged_at: after(acknowledgedMs),
      counted_until: after(countedMs),
    })),
    failures: failures.map(([endedMs, deployment_id, by_edge, by_instance], slot) => ({
      switch_id: "sw",
      agent_id: "*:eu-1",
      deployment_id,
      slot,
      ended_at: COMMIT + endedMs,
      by_edge,
      by_instance,
    })),
  };
}

function shown(given: StoredSwitch, afterMs: number): readonly unknown[] {
  const { state, tookMs, edges } = receiptOf(given, COMMIT + afterMs);
  return [state, tookMs, edges.map(({ id, acknowledgedMs }) => `${id} ${acknowledgedMs ?? "-"}`).join(", ")];
}

Deno.test("a receipt waits for its edges, counts on for 2 s after the last one, and is complete", () => {
  const edges = { "eu-1": [80, 80], "us-1": [null, null] } as const;
  assert.deepEqual(shown(stored(edges), 200), ["waiting", 80, "eu-1 80, us-1 -"]);
  const followed = stored({ ...edges, "us-1": [212, 1_000] });
  assert.deepEqual(shown(followed, 1_000), ["counting", 212, "eu-1 80, us-1 212"]);
  const almost = stored({ "eu-1": [80, 2_211], "us-1": [212, 2_212] });
  assert.deepEqual(shown(almost, 3_000), ["counting", 212, "eu-1 80, us-1 212"]);
  const counted = stored({ "eu-1": [80, 2_212], "us-1": [212, 2_212] });
  assert.deepEqual(shown(counted, 2_300), ["complete", 212, "eu-1 80, us-1 212"]);
});

Deno.test("a receipt ends by a bound, and names the edges that did not follow or did not count", () => {
  const behind = stored({ "eu-1": [80, 40_000], "us-1": [null, null], "us-2": [30_001, 40_000] });
  assert.deepEqual(shown(behind, 30_000), ["waiting", 80, "eu-1 80, us-1 -, us-2 -"]);
  assert.deepEqual(shown(behind, 30_001), ["incomplete", 80, "eu-1 80, us-1 -, us-2 -"]);
  const old = stored({ "eu-1": [80, 90_000], "us-1": [100, null] });
  assert.equal(receiptOf(old, COMMIT + 12_100).state, "counting");
  const { state, edges } = receiptOf(old, COMMIT + RECEIPT_MS_MAX);
  assert.deepEqual([state, edges.map(({ counted }) => counted)], ["complete", [true, false]]);
});

Deno.test("a receipt without edges is complete at once", () => {
  assert.deepEqual(shown(stored({}), 0), ["complete", 0, ""]);
});

Deno.test("a receipt ends at the next switch of the environment, which counts what fails from then on", () => {
  const late = stored({ "eu-1": [80, 500], "us-1": [600, 600] }, {
    supersededMs: 500,
    failures: [[400, "d", 1, 0], [800, "d", 10, 0]],
  });
  assert.deepEqual(shown(late, 501), ["superseded", 80, "eu-1 80, us-1 -"]);
  assert.equal(receiptOf(late, COMMIT + 501).failedByEdge, 1);
  const followed = stored({ "eu-1": [80, 500] }, { supersededMs: 500 });
  assert.deepEqual(shown(followed, 600), ["complete", 80, "eu-1 80"]);
});

Deno.test("failed requests count from the commit until 2 s after the last acknowledgement, by who failed them", () => {
  const given = stored({ "eu-1": [1_000, 9_000] }, {
    failures: [
      [250, "d", 1, 0],
      [3_000, "d", 0, 2],
      [3_249, "d0", 0, 3],
      [3_250, "d0", 100, 100],
      [1_000, "other", 0, 7],
    ],
  });
  const numbers = { failed_by_edge: 1, failed_by_former: 3, failed_by_target: 2 };
  assert.deepEqual(failedRequests(given), numbers);
  const { failedByEdge, failedByFormer, failedByTarget } = receiptOf(given, COMMIT + 5_000);
  assert.deepEqual([failedByEdge, failedByFormer, failedByTarget], [1, 3, 2]);
  const ended = { ...given, row: { ...given.row, ended_at: COMMIT, failed_by_edge: 40 } };
  assert.equal(receiptOf(ended, COMMIT + 99_000).failedByEdge, 40, "final numbers are not made again");
});
