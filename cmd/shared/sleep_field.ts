/** The time without a request after which a deployment sleeps, as flags and `unkey.json` have it. */
import { durationSchema, durationText, field, parsedSchema } from "../../pkg/config/mod.ts";

/** The control plane takes no more, and no less: edges report requests within 45 s. */
const MS_MIN = 60_000;
const MS_MAX = 30 * 86_400_000;
const SECOND_MS = 1_000;
export const NEVER = "never";
/** The value of messages for a deployment that never sleeps. */
const NEVER_SECONDS = -1;

const DURATION = durationSchema({ fallback: "1m", minMs: MS_MIN, maxMs: MS_MAX });

/** Milliseconds; 0: never. */
function parse(text: string): number | undefined {
  return text === NEVER ? 0 : DURATION.safeParse(text).data;
}

const BASE = {
  flag: "sleep-after",
  env: "UNKEY_SLEEP_AFTER",
  placeholder: "<time>",
  schema: parsedSchema(parse, `must be a duration such as 10m, from 1m to 720h, or ${NEVER}`),
};

/** The field of a command that sets it for an environment. */
export const ENVIRONMENT_SLEEP_FIELD = field({
  ...BASE,
  help:
    "Let deployments sleep that got no request for so long, until the next one wakes them: 10m, 2h, or never.",
});

/** The field of commands that make a deployment. */
export const SLEEP_FIELD = field({
  ...BASE,
  file: "sleepAfter",
  help: "Sleep after so long without a request, until the next one: 10m, 2h, or never. Not in production.",
});

/** The value of messages; 0: not set. */
export function sleepSecondsOf(ms: number | undefined): number {
  if (ms === undefined) return 0;
  return ms === 0 ? NEVER_SECONDS : Math.ceil(ms / SECOND_MS);
}

/** E.g. `10m`, or `never`; `undefined`: not set. */
export function sleepAfterText(seconds: number): string | undefined {
  if (seconds === 0) return undefined;
  return seconds < 0 ? NEVER : durationText(seconds * SECOND_MS);
}
