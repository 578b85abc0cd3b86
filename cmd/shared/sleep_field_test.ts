import assert from "node:assert/strict";
import { ENVIRONMENT_SLEEP_FIELD, SLEEP_FIELD, sleepAfterText, sleepSecondsOf } from "./sleep_field.ts";

const { schema } = SLEEP_FIELD;

Deno.test("the time after which a deployment sleeps is a duration from a minute on, or never", async (t) => {
  const read: readonly (readonly [string, number])[] = [
    ["1m", 60_000],
    ["90s", 90_000],
    ["1h30m", 5_400_000],
    ["720h", 2_592_000_000],
    ["never", 0],
  ];
  for (const [text, ms] of read) {
    await t.step(text, () => assert.equal(schema.parse(text), ms));
  }
  for (const text of ["59s", "721h", "0", "-1m", "ever", "10"]) {
    await t.step(`${text} is refused`, () => {
      const { error } = schema.safeParse(text);
      assert.match(
        error?.issues[0]?.message ?? "",
        /must be a duration such as 10m, from 1m to 720h, or never/,
      );
    });
  }
});

Deno.test("the value of a message is seconds, 0 where nothing is set, and -1 for never", async (t) => {
  const cases: readonly (readonly [number | undefined, number, string | undefined])[] = [
    [undefined, 0, undefined],
    [0, -1, "never"],
    [60_000, 60, "1m"],
    [5_400_000, 5_400, "1h30m"],
  ];
  for (const [ms, seconds, text] of cases) {
    await t.step(String(text), () => {
      assert.equal(sleepSecondsOf(ms), seconds);
      assert.equal(sleepAfterText(seconds), text);
    });
  }
});

Deno.test("the key is one of unkey.json for a deployment, and none for an environment", () => {
  assert.equal(SLEEP_FIELD.file, "sleepAfter");
  assert.equal(ENVIRONMENT_SLEEP_FIELD.file, undefined);
  assert.equal(ENVIRONMENT_SLEEP_FIELD.flag, SLEEP_FIELD.flag);
});
