import { newId } from "../../../../pkg/uid/mod.ts";
import { parseSchedule } from "../../../../pkg/schedule/mod.ts";
import { type CronSettings, decodeAppSnapshot, settingsOf } from "../deployments/app/settings.ts";
import { PRODUCTION_SLUG } from "../deployments/domains.ts";
import {
  createCron,
  type CronsTable,
  type DeploymentsTable,
  type EnvironmentsTable,
  listCronsOfEnvironment,
  mayHaveCrons,
  noteCronDeployment,
  noteCronEnvironment,
  type Tx,
  updateCron,
} from "../store/mod.ts";

const TIMEOUT_SECONDS = 3_600;
const TIMEZONE = "UTC";

type Environment = Pick<EnvironmentsTable, "id" | "workspace_id" | "project_id" | "slug">;
type Deployment = Pick<DeploymentsTable, "id" | "app_settings">;

/** The crons that a deployment brings to an environment. */
export function cronsFor(app_settings: string | null, environmentSlug: string): readonly CronSettings[] {
  const snapshot = decodeAppSnapshot(app_settings);
  const { crons = [] } = snapshot === undefined ? {} : settingsOf(snapshot);
  return crons.filter(({ environments = [PRODUCTION_SLUG] }) => environments.includes(environmentSlug));
}

/** Notes in the transaction that creates a deployment that it may bring crons to the environment. */
export async function announceCrons(
  tx: Tx,
  environment: Environment,
  appSettings: string | null,
): Promise<void> {
  if (cronsFor(appSettings, environment.slug).length === 0) return;
  await noteCronEnvironment(tx, { environmentId: environment.id, workspaceId: environment.workspace_id });
}

/**
 * Gives an environment the crons of its live deployment, in the transaction that moves its traffic and holds its row. Returns
 * their names. A cron that stays keeps its pause and its planned time, so that a time that is due is not lost.
 */
export async function holdCrons(
  tx: Tx,
  environment: Environment,
  deployment: Deployment,
  nowMs: number,
): Promise<readonly string[]> {
  if (!await mayHaveCrons(tx, environment.id)) return [];
  const wanted = cronsFor(deployment.app_settings, environment.slug);
  const known = new Map((await listCronsOfEnvironment(tx, environment.id)).map((row) => [row.name, row]));
  for (const cron of wanted) {
    const row = { ...definitionOf(cron, deployment), environment_slug: environment.slug, updated_at: nowMs };
    const former = known.get(cron.name);
    if (former === undefined) {
      await createCron(tx, {
        ...row,
        environment_id: environment.id,
        name: cron.name,
        id: newId("cron", nowMs),
        workspace_id: environment.workspace_id,
        project_id: environment.project_id,
        planned_at: nextTime(row, nowMs),
        paused_at: null,
        removed_at: null,
        last_run_id: null,
        created_at: nowMs,
      });
      continue;
    }
    const planned_at = plannedAfter(former, row, nowMs);
    await updateCron(tx, former, { ...row, planned_at, removed_at: null });
  }
  const names = wanted.map(({ name }) => name);
  for (const row of known.values()) {
    if (names.includes(row.name) || row.removed_at !== null) continue;
    await updateCron(tx, row, { planned_at: null, removed_at: nowMs, updated_at: nowMs });
  }
  await noteCronDeployment(tx, environment.id, deployment.id);
  return names;
}

type Definition = Pick<
  CronsTable,
  "deployment_id" | "schedule" | "timezone" | "command" | "overlap" | "timeout_seconds"
>;

function definitionOf(cron: CronSettings, { id }: Deployment): Definition {
  return {
    deployment_id: id,
    schedule: cron.schedule,
    timezone: cron.timezone ?? TIMEZONE,
    command: JSON.stringify(cron.command),
    overlap: cron.overlap ?? "skip",
    timeout_seconds: cron.timeoutSeconds ?? TIMEOUT_SECONDS,
  };
}

/** The next time of a schedule. Null for one that this program cannot read: it was checked when it came. */
export function nextTime(
  { schedule, timezone }: Pick<CronsTable, "schedule" | "timezone">,
  nowMs: number,
): number | null {
  const parsed = parseSchedule(schedule, timezone);
  return parsed.kind === "problem" ? null : parsed.next(nowMs) ?? null;
}

function plannedAfter(former: CronsTable, now: Definition, nowMs: number): number | null {
  if (former.paused_at !== null) return null;
  const isSame = former.schedule === now.schedule && former.timezone === now.timezone;
  const planned = former.planned_at;
  return planned !== null && (isSame || planned <= nowMs) ? planned : nextTime(now, nowMs);
}
