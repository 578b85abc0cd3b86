import assert from "node:assert/strict";
import { decodeSizeSettings, encodeSizeSettings, mergeSizes, resolveSize, type SizeLimits } from "./size.ts";

const LIMITS: SizeLimits = {
  initial: { cpuMillicores: 250, memoryMib: 256, replicas: 0 },
  max: { cpuMillicores: 4_000, memoryMib: 8_192, replicas: 10 },
};

Deno.test("resolveSize() takes each value from the first that sets it, and else the operator's", () => {
  assert.deepEqual(resolveSize(LIMITS), LIMITS.initial);
  assert.deepEqual(
    resolveSize(LIMITS, { memoryMib: 512 }, { memoryMib: 1_024, replicas: 3 }),
    { cpuMillicores: 250, memoryMib: 512, replicas: 3 },
  );
});

Deno.test("resolveSize() bounds values that were set before the operator lowered a limit", () => {
  const high = { cpuMillicores: 9_000, memoryMib: 99_999, replicas: 50 };
  assert.deepEqual(resolveSize(LIMITS, high), LIMITS.max);
});

Deno.test("size settings survive their column, with only what was set", () => {
  for (const settings of [{}, { memoryMib: 512 }, { cpuMillicores: 1, memoryMib: 2, replicas: 3 }]) {
    assert.deepEqual(decodeSizeSettings(encodeSizeSettings(settings)), settings);
  }
  assert.equal(encodeSizeSettings({}), null);
  assert.throws(() => decodeSizeSettings('{"memoryMib":"x"}'));
});

Deno.test("mergeSizes() keeps what the new settings leave out", () => {
  assert.deepEqual(mergeSizes({ memoryMib: 256, replicas: 2 }, { memoryMib: 512 }), {
    memoryMib: 512,
    replicas: 2,
  });
});
