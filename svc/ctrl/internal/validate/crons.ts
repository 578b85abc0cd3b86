/** Commands that run by the clock, as requests have them. */
import { parseSchedule } from "../../../../pkg/schedule/mod.ts";
import type { CronSettings } from "../deployments/app/settings.ts";
import { command, environmentSlug, invalid, slug } from "./mod.ts";

/** A cron as messages have it: empty and 0 are not set. */
export interface WireCron {
  readonly name: string;
  readonly schedule: string;
  readonly command: readonly string[];
  readonly timezone: string;
  readonly overlap: CronSettings["overlap"];
  readonly timeoutSeconds: number;
  readonly environments: readonly string[];
}

/** Of a deployment. */
const CRONS_MAX = 20;
const ENVIRONMENTS_MAX = 20;
/** As long as any run may take. */
const TIMEOUT_SECONDS_MAX = 86_400;
const TIMEZONE_DEFAULT = "UTC";

/** @throws `invalid_argument` for the first value that is not allowed */
export function cronSettings(field: string, crons: readonly WireCron[]): readonly CronSettings[] {
  if (crons.length > CRONS_MAX) throw invalid(field, `must be at most ${CRONS_MAX}`, String(crons.length));
  const names = new Set<string>();
  return crons.map((cron, index) => {
    const place = `${field}[${index}]`;
    const checked = cronOf(place, cron);
    if (names.has(checked.name)) throw invalid(`${place}.name`, "must be unique", checked.name);
    names.add(checked.name);
    return checked;
  });
}

function cronOf(field: string, cron: WireCron): CronSettings {
  const name = slug(`${field}.name`, cron.name);
  const { schedule, timezone, overlap, timeoutSeconds, environments } = cron;
  const parsed = parseSchedule(schedule, timezone || TIMEZONE_DEFAULT);
  if (parsed.kind === "problem") throw invalid(`${field}.schedule`, parsed.problem, schedule);
  const words = command(`${field}.command`, cron.command);
  if (words.length === 0 || words[0] === "") throw invalid(`${field}.command`, "must not be empty");
  if (timeoutSeconds < 0 || timeoutSeconds > TIMEOUT_SECONDS_MAX) {
    const rule = `must be between 1 and ${TIMEOUT_SECONDS_MAX}`;
    throw invalid(`${field}.timeout_seconds`, rule, String(timeoutSeconds));
  }
  if (environments.length > ENVIRONMENTS_MAX) {
    throw invalid(`${field}.environments`, `must be at most ${ENVIRONMENTS_MAX}`);
  }
  const slugs = environments.map((each) => environmentSlug(`${field}.environments`, each));
  return {
    name,
    schedule: schedule.trim(),
    command: words,
    ...(timezone === "" ? {} : { timezone }),
    ...(overlap === undefined ? {} : { overlap }),
    ...(timeoutSeconds === 0 ? {} : { timeoutSeconds }),
    ...(slugs.length === 0 ? {} : { environments: [...new Set(slugs)] }),
  };
}
