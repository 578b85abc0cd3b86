/** Crons as flags and `unkey.json` have them. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationSchema, durationText, listField } from "../../pkg/config/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { CronOverlap, type CronSettings, type CronSettingsSchema } from "../../proto/gen/ctrl/v1/cron_pb.ts";
import { type CronEntry, CRONS } from "./project_file/cron_keys.ts";
import { releaseWords } from "./release_words.ts";

/** The control plane takes no more. */
const TIMEOUT_MS_MAX = 24 * 3_600_000;
const SECOND_MS = 1_000;

const OVERLAPS = {
  skip: CronOverlap.SKIP,
  allow: CronOverlap.ALLOW,
  replace: CronOverlap.REPLACE,
} as const;

export const CRON_FIELD = listField({
  flag: "cron",
  env: "UNKEY_CRONS",
  file: "crons",
  placeholder: "<json>",
  help: 'Command that runs by the clock, as an entry of "crons" in unkey.json. Repeatable.',
  parse: (values) => parseCrons(values).map(settingsOf),
});

function parseCrons(values: readonly string[]): readonly CronEntry[] {
  const parsed = CRONS.safeParse(values.map(parseJson));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const [index, ...key] = issue?.path ?? [];
  const where = typeof index === "number"
    ? `: entry ${index + 1}${key.length === 0 ? "" : `, ${key.join(".")},`}`
    : "";
  throw publicFault("invalid_argument", `must be entries of crons${where} ${issue?.message ?? "is wrong"}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw publicFault(
      "invalid_argument",
      `must be JSON like {"name":"cleanup","schedule":"@daily","command":"npm run cleanup"}: "${
        text.slice(0, 80)
      }" is none`,
    );
  }
}

function settingsOf(cron: CronEntry): MessageInitShape<typeof CronSettingsSchema> {
  const { name, schedule, command, timezone = "", overlap, timeout, environments = [] } = cron;
  return {
    name,
    schedule,
    command: typeof command === "string" ? [...releaseWords(command) ?? []] : command,
    timezone,
    overlap: overlap === undefined ? CronOverlap.UNSPECIFIED : OVERLAPS[overlap],
    timeoutSeconds: timeout === undefined ? 0 : secondsOf(timeout),
    environments,
  };
}

function secondsOf(timeout: string): number {
  const schema = durationSchema({ fallback: "1h", minMs: SECOND_MS, maxMs: TIMEOUT_MS_MAX });
  const parsed = schema.safeParse(timeout);
  if (parsed.success) return parsed.data / SECOND_MS;
  throw publicFault("invalid_argument", `must have a timeout that ${parsed.error.issues[0]?.message ?? ""}`);
}

const OVERLAP_NAMES: Readonly<Record<CronOverlap, CronEntry["overlap"]>> = {
  [CronOverlap.UNSPECIFIED]: undefined,
  [CronOverlap.SKIP]: "skip",
  [CronOverlap.ALLOW]: "allow",
  [CronOverlap.REPLACE]: "replace",
};

/** The name of a value of messages; one that this program does not know is one of a newer control plane. */
export function overlapName(overlap: CronOverlap): CronEntry["overlap"] {
  return OVERLAP_NAMES[overlap];
}

/** A cron in printed JSON: the keys are those of `unkey.json`. */
export interface CronEntryJson {
  name: string;
  schedule: string;
  command: string[];
  timezone?: string;
  overlap?: "skip" | "allow" | "replace";
  timeout?: string;
  environments?: string[];
}

export function cronEntry(cron: CronSettings): CronEntryJson {
  const overlap = overlapName(cron.overlap);
  return {
    name: cron.name,
    schedule: cron.schedule,
    command: cron.command,
    ...(cron.timezone === "" ? {} : { timezone: cron.timezone }),
    ...(overlap === undefined ? {} : { overlap }),
    ...(cron.timeoutSeconds === 0 ? {} : { timeout: durationText(cron.timeoutSeconds * SECOND_MS) }),
    ...(cron.environments.length === 0 ? {} : { environments: cron.environments }),
  };
}
