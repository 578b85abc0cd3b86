import { z } from "zod";
import { type ConfigOf, durationSchema, durationText, field, switchField } from "../../../pkg/config/mod.ts";
import { OUTPUT, OUTPUT_SCHEMA } from "../output.ts";

const MIN_MS = 1_000;
const MAX_MS = 24 * 3_600_000;

/** The wait of a command that has a limit. */
// deno-lint-ignore explicit-module-boundary-types -- the type of the field is inferred from its schema
export function timeoutField({ fallback, help }: { readonly fallback: string; readonly help: string }) {
  return field({
    flag: "timeout",
    env: "UNKEY_TIMEOUT",
    placeholder: "<duration>",
    help,
    schema: durationSchema({ fallback, minMs: MIN_MS, maxMs: MAX_MS }),
    show: durationText,
  });
}

/** Settings of every command that follows a deployment. */
export const ATTACH_FIELDS = {
  wait: field({
    flag: "wait",
    // Not that of a deploy, which has a value more.
    env: "UNKEY_ATTACH_WAIT",
    placeholder: "<built|ready>",
    help: "How far to follow: until the image is built, or until the deployment is ready.",
    schema: z.enum(["built", "ready"], { error: "must be built or ready" }).default("ready"),
  }),
  timeoutMs: timeoutField({
    fallback: "30m",
    help: "How long to wait, e.g. 90s, 30m or 1h30m. The deployment goes on after that.",
  }),
  output: field({
    ...OUTPUT,
    help:
      "Text, one JSON object with the result, also when it fails, or an object for each event, the result last.",
    schema: OUTPUT_SCHEMA.default("text"),
  }),
  quiet: switchField({
    flag: "quiet",
    env: "UNKEY_QUIET",
    help: "Print the URLs, or the id without one, and of messages only errors.",
  }),
  yes: switchField({ flag: "yes", env: "UNKEY_YES", help: "Ask nothing; the same as --no-input." }),
  noInput: switchField({ flag: "no-input", env: "UNKEY_NO_INPUT", help: "Ask nothing." }),
};

/** Settings of every command that makes a deployment and follows it. */
export const FOLLOW_FIELDS = {
  ...ATTACH_FIELDS,
  wait: field({
    flag: "wait",
    env: "UNKEY_WAIT",
    placeholder: "<none|built|ready>",
    help:
      "How far to follow: until the deployment is created, until its image is built, or until it is ready.",
    shorts: [{ flag: "detach", env: "UNKEY_DETACH", value: "none" }],
    schema: z.enum(["none", "built", "ready"], { error: "must be none, built or ready" }).default("ready"),
  }),
};

/** The settings of a command that follows, as the code takes them. */
export interface FollowSettings {
  /** The state of the deployment that ends the command. */
  readonly wait: ConfigOf<typeof FOLLOW_FIELDS>["wait"];
  readonly timeoutMs: number;
  /** Ctrl-C asks whether to cancel, if there is a terminal to answer at. */
  readonly ask: boolean;
}

export function followSettings(
  { wait, timeoutMs, yes, noInput }: Pick<
    ConfigOf<typeof FOLLOW_FIELDS>,
    "wait" | "timeoutMs" | "yes" | "noInput"
  >,
): FollowSettings {
  return { wait, timeoutMs, ask: !yes && !noInput };
}
