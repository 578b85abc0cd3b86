import { z } from "zod";
import { type ConfigOf, field, integerSchema, switchField, textSchema } from "../../pkg/config/mod.ts";
import { CONNECT_FIELDS } from "../shared/connect.ts";
import { JSON_FIELD } from "../shared/output.ts";
import { ENVIRONMENT_FILTER_FIELD } from "../shared/project_fields.ts";
import { momentSchema } from "../shared/moment.ts";

/** The control plane gives at most so many lines at once. */
import { TAIL_MAX } from "../shared/instance_log.ts";
/** Without any range: minutes of a busy app, and not so many that a terminal is of no use. */
export const TAIL_DEFAULT = 10_000;
const NAME_LENGTH_MAX = 255;
const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;

/** Every setting of `logs`. */
export const LOGS_FIELDS = {
  ...CONNECT_FIELDS,
  environment: ENVIRONMENT_FILTER_FIELD,
  source: field({
    flag: "source",
    env: "UNKEY_LOGS_SOURCE",
    placeholder: "<build|instance|all>",
    help: "The build's output, the running app's, or one after the other.",
    schema: z.enum(["build", "instance", "all"], { error: "must be build, instance or all" }).default("all"),
  }),
  tail: field({
    flag: "tail",
    env: "UNKEY_LOGS_TAIL",
    placeholder: "<lines>",
    help:
      "Begin with the last lines of each source, counted before --grep. Default: 10000; with --since, --until or --grep 100000; with --search or --level 100.",
    schema: optionalCountSchema(),
  }),
  since: field({
    flag: "since",
    env: "UNKEY_LOGS_SINCE",
    placeholder: "<time>",
    help: "Only lines since then: a time (2026-01-31T12:00:00Z), or how long ago it was (10m, 2h, 7d).",
    schema: momentSchema(),
  }),
  until: field({
    flag: "until",
    env: "UNKEY_LOGS_UNTIL",
    placeholder: "<time>",
    help: "Only lines before then; not with --follow.",
    schema: momentSchema(),
  }),
  grep: field({
    flag: "grep",
    env: "UNKEY_LOGS_GREP",
    placeholder: "<pattern>",
    help: "Only lines that this regular expression of JavaScript matches; (?i:...) ignores case.",
    schema: patternSchema(),
  }),
  search: field({
    flag: "search",
    env: "UNKEY_LOGS_SEARCH",
    placeholder: "<text>",
    help:
      "Only lines of the app with these words, in any case; with a project, of all its deployments. A * at the end takes longer words.",
    schema: textSchema(),
  }),
  level: field({
    flag: "level",
    env: "UNKEY_LOGS_LEVEL",
    placeholder: "<trace|debug|info|warn|error|fatal>",
    help:
      "Only lines of the app with this level or a more severe one; with a project, of all its deployments.",
    schema: z.enum(LEVELS, { error: `must be one of ${LEVELS.join(", ")}` }).optional(),
  }),
  instance: field({
    flag: "instance",
    env: "UNKEY_LOGS_INSTANCE",
    placeholder: "<name>",
    help: "Only instances whose name begins so; no build.",
    schema: z.string().max(NAME_LENGTH_MAX, { error: `must have at most ${NAME_LENGTH_MAX} characters` })
      .default(""),
  }),
  region: field({
    flag: "region",
    env: "UNKEY_LOGS_REGION",
    placeholder: "<region>",
    help: "Only instances of this region; no build.",
    schema: z.string().max(64, { error: "must have at most 64 characters" }).default(""),
  }),
  timestamps: field({
    flag: "timestamps",
    env: "UNKEY_LOGS_TIMESTAMPS",
    placeholder: "<utc|local|none>",
    help: "The time before each line of an instance.",
    schema: z.enum(["utc", "local", "none"], { error: "must be utc, local or none" }).default("utc"),
  }),
  follow: switchField({
    flag: "follow",
    env: "UNKEY_LOGS_FOLLOW",
    help: "Go on with new lines until Ctrl-C.",
  }),
  json: { ...JSON_FIELD, help: "Text, or one JSON object per line of output." },
};

export type LogsConfig = ConfigOf<typeof LOGS_FIELDS>;

/** A problem per pair of settings that do not go together. */
export function checkLogsConfig(config: LogsConfig): readonly string[] {
  const problems: string[] = [];
  const { source, follow, until, since, instance, region } = config;
  if (follow && until !== undefined) problems.push("--until ends the output: leave out --follow or --until");
  if (since?.kind === "ago" && until?.kind === "ago" && until.ms >= since.ms) {
    problems.push("--until must be later than --since");
  }
  if (isSearch(config)) {
    if (follow) problems.push("--search and --level look at what was printed: leave out --follow");
    if (source === "build") problems.push("--search and --level are about the app: leave out --source build");
  }
  if (source === "build" && `${instance}${region}` !== "") {
    problems.push("--instance and --region choose instances: leave them out, or --source build");
  }
  return problems;
}

/** True when the control plane is to search. */
export function isSearch({ search, level }: Pick<LogsConfig, "search" | "level">): boolean {
  return search !== undefined || level !== undefined;
}

/** The number of lines to begin with. A search takes all that the control plane gives at once. */
export function tailOf({ tail, since, until, grep }: LogsConfig): number {
  if (tail !== undefined) return tail;
  return since === undefined && until === undefined && grep === undefined ? TAIL_DEFAULT : TAIL_MAX;
}

function patternSchema(): z.ZodType<RegExp | undefined> {
  return z.string().optional().transform((raw, context): RegExp | undefined => {
    if (raw === undefined) return undefined;
    try {
      return new RegExp(raw, "u");
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      context.addIssue({ code: "custom", message: `must be a regular expression: ${reason}` });
      return z.NEVER;
    }
  });
}

function optionalCountSchema(): z.ZodType<number | undefined> {
  const count = integerSchema(0, 0, TAIL_MAX);
  return z.string().optional().transform((raw, context): number | undefined => {
    if (raw === undefined) return undefined;
    const parsed = count.safeParse(raw);
    if (parsed.success) return parsed.data;
    context.addIssue({ code: "custom", message: parsed.error.issues[0]?.message ?? "is not valid" });
    return z.NEVER;
  });
}
