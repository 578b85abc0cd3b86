import assert from "node:assert/strict";
import { SAMPLERS } from "./names.ts";
import { createSampler } from "./sampler.ts";

const traceId = (index: number): string =>
  `${(index * 0x9e3779b1 >>> 0).toString(16).padStart(8, "0")}`.padEnd(32, "1");
const caller = (isSampled: boolean) => ({ spanId: "00f067aa0ba902b7", isSampled });

Deno.test("a caller's decision goes before the platform's with a sampler that is based on parents", () => {
  const decisions = SAMPLERS.map((name) => {
    const sampler = createSampler(name, 0);
    const all = [{}, { parent: caller(true) }, { parent: caller(false) }];
    return [name, ...all.map((given) => sampler({ traceId: traceId(1), ...given }))];
  });
  assert.deepEqual(decisions, [
    ["parentbased_always_on", true, true, false],
    ["parentbased_always_off", false, true, false],
    ["parentbased_traceidratio", false, true, false],
    ["always_on", true, true, true],
    ["always_off", false, false, false],
    ["traceidratio", false, false, false],
  ]);
});

Deno.test("a sampler by ratio takes about its part of the traces, and the same ones each time", () => {
  const ids = Array.from({ length: 4_000 }, (_, index) => traceId(index + 1));
  const taken = (ratio: number): string[] => {
    const sampler = createSampler("traceidratio", ratio);
    return ids.filter((id) => sampler({ traceId: id }));
  };
  const quarter = taken(0.25);
  assert.ok(quarter.length > 900 && quarter.length < 1_100, `${quarter.length}`);
  assert.deepEqual(taken(0.25), quarter);
  assert.equal(taken(1).length, ids.length);
});
