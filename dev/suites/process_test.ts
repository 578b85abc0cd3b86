import assert from "node:assert/strict";
import { SuiteProcess } from "./process.ts";

const HANGS = "Deno.test('hangs', () => new Promise(() => setInterval(() => undefined, 1_000)));";

Deno.test("a suite that does not end within its limit is stopped and fails, beside one that passes", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (
      const [name, text, limitMs, outcome] of [
        ["hangs", HANGS, 3_000, { passed: 0, failed: 1 }],
        ["passes", "Deno.test('passes', () => undefined);", 60_000, { passed: 1, failed: 0 }],
      ] as const
    ) {
      const file = `${folder}/${name}_test.ts`;
      await Deno.writeTextFile(file, text);
      const suite = new SuiteProcess(
        { name, args: ["test", "--no-check", file], counts: true, lane: "first" },
        limitMs,
      );
      await suite.run();
      const { passed, failed } = await suite.ended;
      assert.deepEqual({ passed, failed }, outcome);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
