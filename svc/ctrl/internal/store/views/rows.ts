/** Rows behind a deployment's view: its own with its environment and project, and the rows that belong to it. */
import { prepared } from "../../../../../pkg/db/mod.ts";
import { type AppSettings, decodeAppSnapshot, settingsOf } from "../../deployments/app/settings.ts";
import type { DeploymentStatus, FailureCode, FailureDetails } from "../../deployments/status.ts";
import { PRODUCTION_SLUG } from "../../deployments/host_label.ts";
import type { Sleep } from "../../deployments/sleep.ts";
import { decodeScaling, scalingOf } from "../../scaling/mod.ts";
import type { Queryable } from "../database.ts";
import type { ProtectionsTable } from "../schema.ts";
import { decodeStopNote } from "../stop_note.ts";
import type { DeploymentView, QueuePlace, ScaledRegionView } from "./types.ts";

/** A deployment's own row with its environment and project. The same cells mean the same answer, unless it is queued. */
export interface DeploymentViewRow {
  readonly id: string;
  readonly workspace_id: string;
  readonly project_id: string;
  readonly project_slug: string;
  readonly environment_id: string;
  readonly environment_slug: string;
  readonly live_deployment_id: string | null;
  readonly is_rolled_back: number;
  readonly cancel_requested_at: number | null;
  readonly status: DeploymentStatus;
  readonly failure_code: FailureCode | null;
  readonly error_message: string | null;
  readonly failure_details: string | null;
  readonly stop_note: string | null;
  readonly stop_due_at: number | null;
  readonly app_settings: string | null;
  readonly image: string | null;
  readonly image_removed_at: number | null;
  readonly build_id: string | null;
  readonly redeploy_of: string | null;
  readonly image_source_deployment_id: string | null;
  readonly git_commit_sha: string;
  readonly git_branch: string;
  readonly git_commit_message: string;
  readonly git_commit_author_handle: string;
  readonly git_commit_author_avatar_url: string;
  readonly git_commit_timestamp: number;
  readonly port: number;
  readonly health_check_path: string;
  readonly cpu_millicores: number;
  readonly memory_mib: number;
  readonly replicas: number;
  readonly created_at: number;
  readonly updated_at: number;
  /** Of its environment, and of all previews. */
  readonly own_protection: ProtectionsTable["mode"] | null;
  readonly previews_protection: ProtectionsTable["mode"] | null;
  /** Counts events, and with them steps. */
  readonly next_event_sequence: number;
  /** Counts changes of topology, routes and instances. */
  readonly revision: number;
}

/** Selects `DeploymentViewRow`; a condition on `d`, `e` or `p` follows. */
export const SELECT_VIEW_ROWS =
  `select d.id, d.workspace_id, d.project_id, p.slug as project_slug, d.environment_id,
  e.slug as environment_slug, e.live_deployment_id, e.is_rolled_back, d.cancel_requested_at, d.status, d.failure_code, d.error_message, d.failure_details, d.stop_note, d.stop_due_at, d.app_settings, d.image, d.image_removed_at, d.build_id, d.redeploy_of, d.image_source_deployment_id,
  d.git_commit_sha, d.git_branch, d.git_commit_message, d.git_commit_author_handle, d.git_commit_author_avatar_url,
  d.git_commit_timestamp, d.port, d.health_check_path, d.cpu_millicores, d.memory_mib, d.replicas, d.created_at, d.updated_at,
  own.mode as own_protection, previews.mode as previews_protection,
  d.next_event_sequence, coalesce(v.revision, 0) as revision
  from deployments d join environments e on e.id = d.environment_id join projects p on p.id = d.project_id
  left join shown_revisions v on v.deployment_id = d.id
  left join protections own on own.workspace_id = d.workspace_id and own.project_id = d.project_id
  and own.environment_id = d.environment_id
  left join protections previews on previews.workspace_id = d.workspace_id
  and previews.project_id = d.project_id and previews.environment_id = ''`;

/** The rows of the existing deployments among `ids`, by primary keys. */
export async function listViewRows(db: Queryable, ids: readonly string[]): Promise<DeploymentViewRow[]> {
  if (ids.length === 0) return [];
  const asked = padded(ids);
  const { rows } = await db.executeQuery<DeploymentViewRow>(prepared(viewRowsSql(asked.length), asked));
  return rows;
}

const viewRowsSql = byCount((marks) => `${SELECT_VIEW_ROWS} where d.id in (${marks})`);

/** A row that belongs to a deployment; the kind decides the meaning of its columns. */
export interface DeploymentViewPart {
  readonly kind: "topology" | "step" | "route" | "running" | "scaled" | "sleep";
  readonly deployment_id: string;
  readonly name: string;
  readonly state: string;
  readonly text: string;
  readonly error: string;
  readonly number: number;
  readonly ended: number | null;
}

/** All rows that belong to the deployments, in one statement: on MySQL that is far cheaper than one per table. */
export async function listViewParts(
  db: Queryable,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly DeploymentViewPart[]>> {
  if (ids.length === 0) return new Map();
  const asked = padded(ids);
  const values = [...asked, ...asked, ...asked, ...asked, ...asked, ...asked];
  const { rows } = await db.executeQuery<DeploymentViewPart>(prepared(partsSql(asked.length), values));
  const parts = new Map<string, DeploymentViewPart[]>(ids.map((id) => [id, []]));
  for (const row of rows) parts.get(row.deployment_id)?.push(row);
  return parts;
}

const partsSql = byCount((marks) =>
  `select 'topology' as kind, deployment_id, region as name, desired_status as state, '' as text, '' as error,
    desired_replicas as number, null as ended from deployment_topology where deployment_id in (${marks})
  union all select 'step', deployment_id, name, status, message, error_message, started_at, ended_at
    from deployment_steps where deployment_id in (${marks})
  union all select 'route', deployment_id, hostname, sticky, '', '', 0, null
    from frontline_routes where deployment_id in (${marks})
  union all select 'scaled', deployment_id, region, settings, coalesce(reason, ''), '',
    coalesce(changed_from, 0), changed_at from scaled_placements where deployment_id in (${marks})
  union all select 'sleep', deployment_id, '', '', '', '', asleep_at, woken_at
    from deployment_sleeps where deployment_id in (${marks}) and asleep_at is not null
  union all select 'running', deployment_id, region, '', '', '', count(*), null
    from instances where deployment_id in (${marks}) and status = 'running' group by deployment_id, region`
);

/** The server keeps each text, so there are few: one for every power of two. The last id fills up. */
function padded(ids: readonly string[]): readonly string[] {
  const missing = 2 ** Math.ceil(Math.log2(ids.length)) - ids.length;
  return missing === 0 ? ids : [...ids, ...new Array<string>(missing).fill(ids.at(-1) ?? "")];
}

/** A statement per number of parameters, made once. Callers bound the number. */
function byCount(text: (marks: string) => string): (count: number) => string {
  const made = new Map<number, string>();
  return (count) => {
    const known = made.get(count) ?? text(Array.from({ length: count }, () => "?").join(", "));
    made.set(count, known);
    return known;
  };
}

const STICKY_ORDER: Readonly<Record<string, number>> = {
  custom: 0,
  live: 1,
  environment: 2,
  branch: 3,
  none: 4,
};

/** Joins the rows to one view. */
export function toDeploymentView(
  row: DeploymentViewRow,
  parts: readonly DeploymentViewPart[],
  queue: QueuePlace | undefined,
): DeploymentView {
  const of = (kind: DeploymentViewPart["kind"]): DeploymentViewPart[] =>
    parts.filter((part) => part.kind === kind);
  const routes = of("route").sort((a, b) =>
    (STICKY_ORDER[a.state] ?? 5) - (STICKY_ORDER[b.state] ?? 5) || (a.name < b.name ? -1 : 1)
  );
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    projectId: row.project_id,
    projectSlug: row.project_slug,
    environmentId: row.environment_id,
    // A deleted environment has its id behind its name.
    environmentSlug: row.environment_slug.replace(/:.*$/, ""),
    status: row.status,
    failureCode: row.failure_code ?? undefined,
    errorMessage: row.error_message ?? "",
    failureDetails: decodeDetails(row.failure_details),
    stop: decodeStopNote(row.stop_note),
    stopsAt: row.stop_due_at ?? undefined,
    app: appOf(row.app_settings),
    image: row.image ?? "",
    imageRemoved: row.image_removed_at !== null,
    buildId: row.build_id ?? "",
    redeployOf: row.redeploy_of ?? "",
    imageSourceDeploymentId: row.image_source_deployment_id ?? "",
    gitCommitSha: row.git_commit_sha,
    gitBranch: row.git_branch,
    gitCommitMessage: row.git_commit_message,
    gitCommitAuthorHandle: row.git_commit_author_handle,
    gitCommitAuthorAvatarUrl: row.git_commit_author_avatar_url,
    gitCommitTimestamp: row.git_commit_timestamp,
    port: row.port,
    healthCheckPath: row.health_check_path,
    cpuMillicores: row.cpu_millicores,
    memoryMib: row.memory_mib,
    replicas: row.replicas,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    live: row.live_deployment_id === row.id,
    environmentRolledBack: row.is_rolled_back === 1,
    environmentLiveDeploymentId: row.live_deployment_id ?? "",
    cancelRequested: row.cancel_requested_at !== null,
    runningInstances: of("running").reduce((sum, { number }) => sum + Number(number), 0),
    regions: of("topology").sort((a, b) => a.name < b.name ? -1 : 1)
      .map(({ name, state, number }) => ({ region: name, replicas: number, started: state === "started" })),
    sleep: sleepOf(row, parts),
    scaled: of("scaled").sort((a, b) => a.name < b.name ? -1 : 1).flatMap((each) =>
      scaledRegion(each, parts)
    ),
    steps: of("step").sort((a, b) => a.number - b.number).map((step) => ({
      name: step.name,
      status: step.state,
      message: step.text,
      errorMessage: step.error,
      startedAt: step.number,
      endedAt: step.ended ?? undefined,
    })),
    hostnames: routes.map(({ name }) => name),
    isProtected: isProtected(row),
    queue,
  };
}

/** Only what is ready sleeps. The times of a deployment that runs again end within seconds. */
function sleepOf({ status }: DeploymentViewRow, parts: readonly DeploymentViewPart[]): Sleep | undefined {
  const row = parts.find(({ kind }) => kind === "sleep");
  const isRunning = parts.some(({ kind }) => kind === "running");
  if (row === undefined || status !== "ready" || (row.ended !== null && isRunning)) return undefined;
  return { sinceMs: row.number, isWaking: row.ended !== null };
}

/** See `protectionOf`. */
function isProtected({ environment_slug, own_protection, previews_protection }: DeploymentViewRow): boolean {
  const shared = environment_slug === PRODUCTION_SLUG ? null : previews_protection;
  return (own_protection ?? shared) === "password";
}

function scaledRegion(
  { name: region, state, text: reason, number: changedFrom, ended: changedAt }: DeploymentViewPart,
  parts: readonly DeploymentViewPart[],
): readonly ScaledRegionView[] {
  const scaling = scalingOf(decodeScaling(state));
  if (scaling === undefined) return [];
  const here = parts.filter((part) => part.name === region);
  const { min, max } = scaling;
  const running = Number(here.find(({ kind }) => kind === "running")?.number ?? 0);
  const desired = here.find(({ kind }) => kind === "topology")?.number ?? 0;
  const change = changedAt === null ? undefined : { atMs: changedAt, from: changedFrom, reason };
  return [{ region, min, max, desired, running, change }];
}

/** A deployment of an older version has its settings in other columns. */
function appOf(json: string | null): AppSettings {
  const snapshot = decodeAppSnapshot(json);
  return snapshot === undefined ? {} : settingsOf(snapshot);
}

/** Only `moveStatus` writes these, from typed values. */
function decodeDetails(json: string | null): FailureDetails | undefined {
  return json === null ? undefined : JSON.parse(json) as FailureDetails;
}
