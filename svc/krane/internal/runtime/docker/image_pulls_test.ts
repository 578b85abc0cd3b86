import assert from "node:assert/strict";
import { systemClock } from "../../../../../pkg/clock/mod.ts";
import { publicFault } from "../../../../../pkg/fault/mod.ts";
import { silentLogger } from "../../../../../pkg/logger/mod.ts";
import { until } from "../../../testing.ts";
import { ImagePulls } from "./image_pulls.ts";

Deno.test("ImagePulls pulls an image once for all waiting instances, and reports its end", async () => {
  const gate = Promise.withResolvers<void>();
  const pulled: string[] = [];
  const ended: string[] = [];
  const pulls = new ImagePulls({
    pull: (image) => (pulled.push(image), gate.promise),
    clock: systemClock(),
    log: silentLogger(),
    onChange: (image) => ended.push(image),
  });
  assert.deepEqual(pulls.ensure("a"), { kind: "pulling" });
  assert.deepEqual(pulls.ensure("a"), { kind: "pulling" });
  gate.resolve();
  await until("ended", () => ended.length === 1);
  assert.deepEqual(pulled, ["a"]);
  await pulls.close();
});

/** Otherwise a report would flap between failed and pending with every attempt. */
Deno.test("ImagePulls keeps the failure while it tries again later", async () => {
  const clock = systemClock();
  let now = clock.now();
  let attempts = 0;
  const gate = Promise.withResolvers<void>();
  const pulls = new ImagePulls({
    pull: async () => {
      if (attempts++ > 0) await gate.promise;
      throw publicFault("failed_precondition", "no such image");
    },
    clock: { now: () => now, sleep: clock.sleep },
    log: silentLogger(),
    onChange: () => undefined,
  });
  pulls.ensure("a");
  await until("failed", () => pulls.ensure("a").kind === "failed");
  assert.equal(attempts, 1, "not at once again");
  now += 60_000;
  const state = pulls.ensure("a");
  assert.equal(attempts, 2);
  assert.ok(state.kind === "failed" && state.message === "no such image");
  gate.resolve();
  await pulls.close();
});
