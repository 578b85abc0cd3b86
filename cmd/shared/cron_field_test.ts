/** Crons of `unkey.json` and of flags become messages, or are refused with the entry and the key. */
import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { CronOverlap, CronSettingsSchema } from "../../proto/gen/ctrl/v1/cron_pb.ts";
import { CRON_FIELD, cronEntry } from "./cron_field.ts";

const DAILY = { name: "cleanup", schedule: "@daily", command: "npm run cleanup" };

Deno.test("a cron is read with its defaults, and shown as it was written", () => {
  const all = {
    name: "report",
    schedule: "30 2 * * mon",
    command: ["node", "report.js"],
    timezone: "Europe/Berlin",
    overlap: "replace",
    timeout: "1h30m",
    environments: ["production", "preview"],
  };
  const crons = CRON_FIELD.schema.parse([JSON.stringify(DAILY), JSON.stringify(all)]);
  assert.deepEqual(
    crons,
    [
      {
        name: "cleanup",
        schedule: "@daily",
        command: ["sh", "-c", "npm run cleanup"],
        timezone: "",
        overlap: CronOverlap.UNSPECIFIED,
        timeoutSeconds: 0,
        environments: [],
      },
      { ...all, overlap: CronOverlap.REPLACE, timeoutSeconds: 5_400, timeout: undefined },
    ].map(({ timeout: _, ...cron }: Record<string, unknown>) => cron),
  );
  const shown = crons.map((cron) => cronEntry(create(CronSettingsSchema, cron)));
  assert.deepEqual(shown, [{ ...DAILY, command: ["sh", "-c", "npm run cleanup"] }, all]);
});

Deno.test("a cron of a flag that is wrong is refused", async (t) => {
  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["no JSON", ["@daily true"], /must be JSON like/],
    ["no name", [JSON.stringify({ ...DAILY, name: undefined })], /entry 1, name, must be lower-case/],
    [
      "a schedule",
      [JSON.stringify({ ...DAILY, schedule: "61 * * * *" })],
      /entry 1, schedule, must have the five/,
    ],
    [
      "a name that is there twice",
      [1, 2].map(() => JSON.stringify(DAILY)),
      /entry 2, name, "cleanup" is the name of another one/,
    ],
    ["a long time", [JSON.stringify({ ...DAILY, timeout: "25h" })], /must have a timeout that/],
  ];
  for (const [name, values, expected] of cases) {
    await t.step(name, () => {
      const { error } = CRON_FIELD.schema.safeParse(values);
      assert.match(error?.issues[0]?.message ?? "", expected);
    });
  }
});
