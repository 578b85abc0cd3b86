import assert from "node:assert/strict";
import { ManualClock } from "../../../../pkg/testkit/manual_clock.ts";
import { StartTimes } from "./start_times.ts";

async function open() {
  const clock = new ManualClock();
  const times = new StartTimes(clock);
  const begunMs = clock.now();
  /** Name, begin and end of the spans that are sent now. */
  const sent = (name = "app") =>
    times.sent(
      name,
      (spans) =>
        Promise.resolve(
          spans.map((each) => [each.key, each.startedAtMs - begunMs, each.endedAtMs - begunMs]),
        ),
    );
  times.applied("app");
  await clock.advance(10);
  return { clock, times, begunMs, sent };
}

Deno.test("a start is what the agent prepared, the pull, the start and the first good health check", async () => {
  const { clock, times, begunMs, sent } = await open();
  const pull = { key: "pull", name: "pull", detail: "nginx", failed: false };
  times.add("app", { ...pull, startedAtMs: begunMs + 10, endedAtMs: begunMs + 60 });
  await clock.advance(60);
  times.begin("app", "app-0");
  await clock.advance(30);
  times.reached("app", "app-0", "start");
  await clock.advance(100);
  times.reached("app", "app-0", "health");
  assert.deepEqual(await sent(), [
    ["prepare", 0, 10],
    ["pull", 10, 60],
    ["start app-0", 70, 100],
    ["health app-0", 100, 200],
  ]);
  assert.deepEqual(await sent(), []);
});

Deno.test("only the first start of an instance counts, and that of a known container", async () => {
  const { clock, times, sent } = await open();
  times.reached("app", "app-0", "health");
  assert.deepEqual(await sent(), [], "the agent did not see it begin");
  times.begin("app", "app-0");
  times.reached("app", "app-0", "start");
  await sent();
  await clock.advance(60_000);
  times.begin("app", "app-0");
  times.reached("app", "app-0", "start");
  assert.deepEqual(await sent(), []);
});

Deno.test("spans of a report that fails go with the next one", async () => {
  const { times, sent } = await open();
  times.begin("app", "app-0");
  times.reached("app", "app-0", "start");
  await assert.rejects(times.sent("app", () => Promise.reject(new Error("away"))));
  assert.deepEqual((await sent()).map(([key]) => key), ["prepare", "start app-0"]);
});

Deno.test("spans and deployments are bounded, and gone ones are forgotten", async () => {
  const { times, sent } = await open();
  for (let index = 0; index < 200; index++) {
    times.begin("app", `app-${index}`);
    times.reached("app", `app-${index}`, "start");
  }
  assert.equal((await sent()).length, 100);
  times.begin("app", "app-0");
  times.forget("app");
  assert.equal(times.knows("app", "app-0"), false);
  for (let index = 0; index < 2_001; index++) times.applied(`app${index}`);
  times.begin("app0", "first");
  times.begin("app2000", "last");
  assert.deepEqual([times.knows("app0", "first"), times.knows("app2000", "last")], [false, true]);
});
