/** Times of unused deployments: as text, as the environment's own, and as the operator's. */
import assert from "node:assert/strict";
import { IDLE_END_SCHEMA, idleEndText } from "./idle_end.ts";

Deno.test("--idle-end takes a number of one unit, never, and default", async (t) => {
  const cases: readonly [string | undefined, ReturnType<typeof IDLE_END_SCHEMA.parse>][] = [
    ["7d", { kind: "seconds", seconds: 604_800 }],
    ["12h", { kind: "seconds", seconds: 43_200 }],
    ["90m", { kind: "seconds", seconds: 5_400 }],
    ["1s", { kind: "seconds", seconds: 1 }],
    ["never", { kind: "seconds", seconds: 0 }],
    ["default", { kind: "operator" }],
    [undefined, undefined],
  ];
  for (const [text, expected] of cases) {
    await t.step(String(text), () => assert.deepEqual(IDLE_END_SCHEMA.parse(text), expected));
  }
});

Deno.test("--idle-end refuses all else", async (t) => {
  for (
    const text of ["", "0", "0s", "07d", "7", "7D", "7 d", "1d12h", "1w", "-1d", "1.5h", "12345678s", "Never"]
  ) {
    await t.step(JSON.stringify(text), () => {
      const { error } = IDLE_END_SCHEMA.safeParse(text);
      assert.match(
        error?.issues[0]?.message ?? "",
        /must be a time such as 7d, 12h or 30m, or never, or default/,
      );
    });
  }
});

Deno.test("idleEndText() takes the largest unit that holds the time exactly, and is read again", async (t) => {
  const cases: readonly [number, string][] = [
    [0, "never"],
    [1, "1s"],
    [90, "90s"],
    [120, "2m"],
    [3_600, "1h"],
    [129_600, "36h"],
    [604_800, "7d"],
    [86_401, "86401s"],
  ];
  for (const [seconds, text] of cases) {
    await t.step(text, () => {
      assert.equal(idleEndText(seconds), text);
      assert.deepEqual(IDLE_END_SCHEMA.parse(text), { kind: "seconds", seconds });
    });
  }
});
