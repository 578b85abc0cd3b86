import assert from "node:assert/strict";
import { parseRetryAfter } from "./mod.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;

/** RFC 9110, section 5.6.7: a recipient must accept all three forms, and all are in universal time. */
Deno.test("parseRetryAfter() reads each form of a date, whatever the zone of the machine", async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ["the form of today", "Thu, 01 Jan 2026 00:05:00 GMT"],
    ["RFC 850", "Thursday, 01-Jan-26 00:05:00 GMT"],
    ["asctime", "Thu Jan  1 00:05:00 2026"],
    ["small letters", "thu, 01 jan 2026 00:05:00 gmt"],
  ];
  for (const [name, header] of cases) {
    await t.step(name, () => assert.equal(parseRetryAfter(header, NOW_MS), NOW_MS + 300_000));
  }
  await t.step("asctime in another zone", async () => {
    const script = `import { parseRetryAfter } from ${
      JSON.stringify(new URL("./retry_after.ts", import.meta.url).href)
    };console.log(parseRetryAfter("Thu Jan  1 00:05:00 2026", ${NOW_MS}));`;
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "-"],
      env: { TZ: "America/New_York" },
      stdin: "piped",
      stdout: "piped",
    });
    await using child = command.spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(script));
    await writer.close();
    const { stdout } = await child.output();
    assert.equal(new TextDecoder().decode(stdout).trim(), `${NOW_MS + 300_000}`);
  });
});

Deno.test("parseRetryAfter() makes no wait of other texts, and none is longer than 30 days", async (t) => {
  const cases: readonly (readonly [string | null, number | undefined])[] = [
    [null, undefined],
    ["+90", undefined],
    ["1e3", undefined],
    ["0x10", undefined],
    ["90 seconds", undefined],
    ["90, 120", undefined],
    ["99999999999", undefined],
    [`${30 * 86_400 + 1}`, NOW_MS + 30 * DAY_MS],
    ["00090", NOW_MS + 90_000],
  ];
  for (const [header, expected] of cases) {
    await t.step(`${header}`, () => assert.equal(parseRetryAfter(header, NOW_MS), expected));
  }
});
