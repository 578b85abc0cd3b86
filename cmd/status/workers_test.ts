import assert from "node:assert/strict";
import { workersText } from "./workers.ts";

const NOW = 1_000_000;
const worker = (id: string, alive: boolean) => ({
  id,
  alive,
  startedAt: 0,
  lastSeenAt: alive ? NOW : NOW - 180_000,
});

Deno.test("workersText() names lost workers, and says when builds and deploys wait", async (t) => {
  for (
    const [name, workers, expected] of [
      ["an older control plane names none", [], /^$/],
      ["all are alive", [worker("a", true), worker("b", true)], /^$/],
      [
        "one of two is lost",
        [worker("a", true), worker("b", false)],
        /^\nworker b was lost: no heartbeat for 3m/,
      ],
      ["none is alive", [worker("a", false)], /^\nno worker is alive: builds and deploys wait\. .* 3m ago/],
    ] as const
  ) {
    await t.step(name, () => assert.match(workersText(workers, NOW), expected));
  }
});
