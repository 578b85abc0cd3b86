import { type ConfigOf, field, integerSchema, switchField } from "../../../pkg/config/mod.ts";

const WAIT_SECONDS = 1_800;
const WAIT_SECONDS_MAX = 86_400;

/** Settings of every command that makes a deployment and follows it. */
export const FOLLOW_FIELDS = {
  waitSeconds: field({
    flag: "wait-timeout",
    env: "UNKEY_WAIT_TIMEOUT",
    placeholder: "<seconds>",
    help: "How long to wait for the end. The deployment goes on after that.",
    schema: integerSchema(WAIT_SECONDS, 1, WAIT_SECONDS_MAX),
  }),
  detach: switchField({
    flag: "detach",
    env: "UNKEY_DETACH",
    help: "Return as soon as the deployment is created.",
  }),
  json: switchField({
    flag: "json",
    env: "UNKEY_JSON",
    help: "Print one JSON object with the result, also when it fails.",
  }),
  yes: switchField({ flag: "yes", env: "UNKEY_YES", help: "Ask nothing; the same as --no-input." }),
  noInput: switchField({ flag: "no-input", env: "UNKEY_NO_INPUT", help: "Ask nothing." }),
};

/** `FOLLOW_FIELDS` as the deploy takes them. */
export interface FollowSettings {
  readonly waitSeconds: number;
  /** End as soon as the deployment is created. */
  readonly detach: boolean;
  /** Ctrl-C asks whether to cancel, if there is a terminal to answer at. */
  readonly ask: boolean;
}

export function followSettings(
  { waitSeconds, detach, yes, noInput }: ConfigOf<typeof FOLLOW_FIELDS>,
): FollowSettings {
  return { waitSeconds, detach, ask: !yes && !noInput };
}
