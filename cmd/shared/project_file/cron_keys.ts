/** The keys of an entry of `crons` in `unkey.json`. */
import { z } from "zod";
import { parseSchedule } from "../../../pkg/schedule/mod.ts";

const NAME_RULE = "must be lower-case letters, digits and hyphens";
const SCHEDULE_RULE = 'must have the five fields of cron, e.g. "*/15 * * * *", or be a name such as "@daily"';
const ZONE_RULE = 'must be a time zone such as "Europe/Berlin"';
const COMMAND_RULE = 'must be a command line for sh, or a list of words such as ["npm", "run", "cleanup"]';
const DURATION_RULE = 'must be a duration like "90s" or "5m"';
const ENVIRONMENTS_RULE = 'must be a list of environments such as ["production"]';
const CRONS_MAX = 20;
const UTC = "UTC";

const schedule = z.string({ error: SCHEDULE_RULE }).superRefine((text, context) => {
  const parsed = parseSchedule(text, UTC);
  if (parsed.kind === "problem") context.addIssue({ code: "custom", message: parsed.problem });
}).describe('The five fields of cron, e.g. "*/15 * * * *", or @hourly, @daily, @weekly, @monthly, @yearly.');

export const CRON_KEYS = {
  name: z.string({ error: NAME_RULE }).regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, NAME_RULE)
    .describe("Unique in this file."),
  schedule,
  command: z.union([z.array(z.string()).min(1, COMMAND_RULE), z.string().min(1, COMMAND_RULE)], {
    error: COMMAND_RULE,
  })
    .describe("Runs once for each planned time; a text is run by sh -c."),
  timezone: z.string({ error: ZONE_RULE }).refine(
    (name) => parseSchedule("@daily", name).kind === "schedule",
    ZONE_RULE,
  ).optional().describe("Whose clocks the schedule goes by. Default: UTC."),
  overlap: z.enum(["skip", "allow", "replace"], { error: "must be skip, allow or replace" }).optional()
    .describe(
      "At a planned time while the former run has not ended: leave it out (skip, the default), run both, or end it.",
    ),
  timeout: z.string({ error: DURATION_RULE }).regex(/^(?=.)(?:\d+h)?(?:\d+m)?(?:\d+s)?$/, DURATION_RULE)
    .optional()
    .describe("How long a run may take. Default: 1h."),
  environments: z.array(z.string({ error: ENVIRONMENTS_RULE }), { error: ENVIRONMENTS_RULE }).min(
    1,
    ENVIRONMENTS_RULE,
  )
    .optional().describe('The environments in which it runs. Default: ["production"].'),
};

const CRON = z.strictObject(CRON_KEYS, { error: "must be a JSON object" });

/** An entry of `crons`. */
export type CronEntry = z.infer<typeof CRON>;

/** The list of all entries. */
export const CRONS = z.array(CRON, { error: "must be a list of objects" }).max(
  CRONS_MAX,
  `must be at most ${CRONS_MAX}`,
)
  .superRefine((crons, context) => {
    const names = crons.map(({ name }) => name);
    names.forEach((name, index) => {
      if (names.indexOf(name) === index) return;
      context.addIssue({
        code: "custom",
        message: `"${name}" is the name of another one, too`,
        path: [index, "name"],
      });
    });
  }).describe("Commands that run by the clock while the deployment is live.");
