/** Crons as commands show them. */
import type { Cron } from "../../proto/gen/ctrl/v1/cron_pb.ts";
import { overlapName } from "./cron_field.ts";
import { age, table } from "./output.ts";
import { commandText, type RunJson, runJson, stateText } from "./run_view.ts";

/** A cron in the output of `--json`. Times are in milliseconds since the epoch. */
export interface CronJson {
  readonly id: string;
  readonly name: string;
  readonly project: string;
  readonly environment: string;
  readonly deploymentId: string;
  readonly schedule: string;
  readonly timezone: string;
  readonly command: readonly string[];
  readonly overlap: string;
  readonly timeoutSeconds: number;
  readonly nextAt?: number;
  readonly pausedAt?: number;
  /** The newest entry of its history, which may be a planned time without a run. */
  readonly lastRun?: RunJson;
  readonly createdAt: number;
}

export function cronJson(cron: Cron): CronJson {
  const { nextAt, pausedAt, lastRun } = cron;
  return {
    id: cron.id,
    name: cron.name,
    project: cron.projectSlug,
    environment: cron.environmentSlug,
    deploymentId: cron.deploymentId,
    schedule: cron.schedule,
    timezone: cron.timezone,
    command: cron.command,
    overlap: overlapName(cron.overlap) ?? "unknown",
    timeoutSeconds: cron.timeoutSeconds,
    ...(nextAt === 0n ? {} : { nextAt: Number(nextAt) }),
    ...(pausedAt === 0n ? {} : { pausedAt: Number(pausedAt) }),
    ...(lastRun === undefined ? {} : { lastRun: runJson(lastRun) }),
    createdAt: Number(cron.createdAt),
  };
}

export function cronsTable(crons: readonly Cron[], nowMs: number): string {
  return table(
    ["NAME", "PROJECT", "ENV", "SCHEDULE", "NEXT", "LAST", "AGO", "COMMAND"],
    crons.map((cron) => [
      cron.name,
      cron.projectSlug,
      cron.environmentSlug,
      cron.timezone === "UTC" ? cron.schedule : `${cron.schedule} (${cron.timezone})`,
      nextText(cron),
      cron.lastRun === undefined ? "" : stateText(cron.lastRun),
      cron.lastRun === undefined ? "" : age(Number(cron.lastRun.plannedAt || cron.lastRun.createdAt), nowMs),
      commandText(cron.command),
    ]),
  );
}

/** To the minute, in UTC. */
export function nextText({ nextAt, pausedAt }: Cron): string {
  if (pausedAt !== 0n) return "paused";
  return nextAt === 0n ? "never" : `${new Date(Number(nextAt)).toISOString().slice(0, 16)}Z`;
}
