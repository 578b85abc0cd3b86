/** Crons of environments: the list, pause and resume. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { transact } from "../../../../pkg/db/mod.ts";
import type { CronSchema } from "../../../../proto/gen/ctrl/v1/cron_pb.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import { missingCron, nextTime } from "../../internal/crons/mod.ts";
import { WIRE_OVERLAPS } from "../../internal/deployments/app/wire.ts";
import { decodeStrings } from "../../internal/json.ts";
import { decodePageToken, pageOf } from "../../internal/page_token.ts";
import {
  type CronsTable,
  findProjectSlugs,
  listCrons as selectCrons,
  listRunsByIds,
  lockCron,
  lockEnvironment,
  type Queryable,
  recordAudit,
  type StoredRun,
  updateCron,
} from "../../internal/store/mod.ts";
import { optionalText, pageSize, slug } from "../../internal/validate/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { encodeRun } from "./encode_run.ts";
import { projectsOf } from "./list.ts";

/** A cron, and what is shown beside its row. */
export interface ShownCron {
  readonly cron: CronsTable;
  readonly projectSlug: string;
  /** The newest entry of its history. */
  readonly lastRun: StoredRun | undefined;
}

/** Which crons, and which page of them; an empty text asks for all. */
export interface CronsRequest {
  readonly projectId: string;
  readonly environmentSlug: string;
  /** 0: the default. */
  readonly pageSize: number;
  readonly pageToken: string;
}

/** One page, newest first. */
export interface CronPage {
  readonly crons: readonly ShownCron[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

const PAGE_SIZE = 20;
const PAGE_SIZE_MAX = 100;

/** Lists the crons that hold. @throws `not_found`, `permission_denied`, `invalid_argument` */
export async function listCrons(
  deps: Pick<DeploymentDeps, "db">,
  caller: RootKeyPrincipal,
  request: CronsRequest,
): Promise<CronPage> {
  const size = pageSize(request.pageSize, PAGE_SIZE, PAGE_SIZE_MAX);
  const found = await selectCrons(deps.db.kysely, {
    workspaceId: caller.workspaceId,
    projectIds: await projectsOf(deps, caller, request.projectId),
    environmentSlug: optionalText("environment_slug", request.environmentSlug, 63) || undefined,
    before: decodePageToken(request.pageToken, "cron"),
    limit: size + 1,
  });
  const { rows, nextPageToken } = pageOf(found, size);
  return { crons: await shown(deps.db.kysely, caller.workspaceId, rows), nextPageToken };
}

/** The cron that a caller means. */
export interface CronName {
  readonly projectId: string;
  readonly environmentSlug: string;
  readonly name: string;
}

/**
 * Pauses or resumes a cron; harmless when repeated.
 *
 * @throws `not_found` with the names that there are, `permission_denied`
 */
export async function setCronPause(
  deps: Pick<DeploymentDeps, "db" | "clock">,
  caller: RootKeyPrincipal,
  request: CronName,
  pause: boolean,
): Promise<ShownCron> {
  const { db, clock } = deps;
  const project = await requireProject(deps, caller, { id: request.projectId, action: "run_command" });
  const environment = await requireEnvironment(deps, project, request.environmentSlug);
  const name = slug("name", request.name);
  const cron = await transact(db, async (tx) => {
    const nowMs = clock.now();
    await lockEnvironment(tx, environment.id);
    const row = await lockCron(tx, environment.id, name);
    if (row === undefined || row.removed_at !== null) {
      throw await missingCron(tx, { environmentId: environment.id, environmentSlug: environment.slug, name });
    }
    if ((row.paused_at !== null) === pause) return row;
    const changes = pause
      ? { paused_at: nowMs, planned_at: null, updated_at: nowMs }
      : { paused_at: null, planned_at: nextTime(row, nowMs), updated_at: nowMs };
    await updateCron(tx, row, changes);
    await recordAudit(tx, {
      workspaceId: caller.workspaceId,
      actor: actorOf(caller),
      action: pause ? "cron.pause" : "cron.resume",
      resource: { type: "cron", id: row.id },
      projectId: project.id,
      environmentId: environment.id,
      facts: { name },
      nowMs,
    });
    return { ...row, ...changes };
  });
  const [one] = await shown(db.kysely, caller.workspaceId, [cron]);
  return one ?? { cron, projectSlug: project.slug, lastRun: undefined };
}

async function shown(
  db: Queryable,
  workspaceId: string,
  rows: readonly CronsTable[],
): Promise<readonly ShownCron[]> {
  const slugs = await findProjectSlugs(db, workspaceId, rows.map((row) => row.project_id));
  const ids = rows.flatMap((row) => row.last_run_id ?? []);
  const runs = new Map((await listRunsByIds(db, workspaceId, ids)).map((run) => [run.run_id, run]));
  return rows.map((cron) => ({
    cron,
    projectSlug: slugs.get(cron.project_id) ?? "",
    lastRun: runs.get(cron.last_run_id ?? ""),
  }));
}

export function encodeCron({ cron, projectSlug, lastRun }: ShownCron): MessageInitShape<typeof CronSchema> {
  return {
    id: cron.id,
    name: cron.name,
    projectId: cron.project_id,
    projectSlug,
    environmentId: cron.environment_id,
    environmentSlug: cron.environment_slug,
    deploymentId: cron.deployment_id,
    schedule: cron.schedule,
    timezone: cron.timezone,
    command: [...decodeStrings(cron.command)],
    overlap: WIRE_OVERLAPS[cron.overlap],
    timeoutSeconds: cron.timeout_seconds,
    nextAt: BigInt(cron.planned_at ?? 0),
    pausedAt: BigInt(cron.paused_at ?? 0),
    ...(lastRun === undefined ? {} : { lastRun: encodeRun(lastRun, projectSlug) }),
    createdAt: BigInt(cron.created_at),
  };
}
