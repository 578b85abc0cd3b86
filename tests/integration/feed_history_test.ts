import assert from "node:assert/strict";
import { eventually } from "../testbed/wait.ts";
import { type Dice, dice } from "./feed_chaos.ts";
import { History } from "./feed_history.ts";
import { AgentUnderTest, type ClientUnderTest, EdgeUnderTest } from "./feed_history_clients.ts";

const HISTORIES = 12;
const DEADLINE_MS = 120_000;
const SEED = Number(Deno.env.get("UNKEY_TEST_FEED_SEED") ?? crypto.getRandomValues(new Uint32Array(1))[0]);

/** Runs processes of the client until the history is over and the client has caught up. */
async function live(history: History, client: ClientUnderTest): Promise<void> {
  const stop = new AbortController();
  const running = (async () => {
    while (!stop.signal.aborted) await client.run(history, stop.signal);
  })();
  try {
    await eventually("the client to catch up", () => {
      assert.deepEqual(history.problems.slice(0, 3), []);
      return history.isOver && client.cursor === history.version;
    }, { deadlineMs: DEADLINE_MS, everyMs: 5 });
  } finally {
    stop.abort();
    await running;
  }
  const sorted = (state: ReadonlyMap<string, number>) => [...state].toSorted();
  assert.deepEqual(sorted(client.held()), sorted(history.state));
}

const CLIENTS: Readonly<Record<string, (roll: Dice) => ClientUnderTest>> = {
  "an agent": (roll) => new AgentUnderTest(roll),
  "an edge": () => new EdgeUnderTest(),
};

for (const [name, open] of Object.entries(CLIENTS)) {
  Deno.test(`${name} ends with the state of the control plane, for every generated history`, async () => {
    const total = { cuts: 0, kills: 0, compactions: 0, restores: 0, snapshots: 0, losses: 0 };
    for (let seed = SEED; seed < SEED + HISTORIES; seed++) {
      const history = new History(dice(seed));
      await live(history, open(dice(seed + 1))).catch((error: unknown) => {
        throw new Error(`with UNKEY_TEST_FEED_SEED=${seed}`, { cause: error });
      });
      for (const [key, count] of Object.entries(history.counts)) {
        total[key as keyof typeof total] += count;
      }
    }
    for (const [key, count] of Object.entries(total)) assert.ok(count > 0, `no ${key}`);
  });
}
