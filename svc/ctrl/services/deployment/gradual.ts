/** Gradual switches: begin one, go on, end it, and look at it. */
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { type GradualSwitchId, newId, parseId } from "../../../../pkg/uid/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import { type ProjectAction, requireInProject } from "../../internal/auth/permissions.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { stepsOf } from "../../internal/gradual/mod.ts";
import {
  findGradualSwitch,
  findRunningGradual,
  type GradualSwitchesTable,
  listGradualSwitches,
  listProjects,
} from "../../internal/store/mod.ts";
import { decodePageToken, pageOf } from "../../internal/page_token.ts";
import { optionalText, pageSize } from "../../internal/validate/mod.ts";
import type { GradualAct } from "../../internal/workflows/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";
import { checkGradual, type RequestedGradual } from "./gradual_settings.ts";
import { projectsOf } from "./list.ts";
import { planPromote } from "./promote.ts";
import { startFor } from "./start.ts";

/** A gradual switch as a caller asks for it. */
export interface GradualRequest extends RequestedGradual {
  readonly targetId: string;
}

/** A gradual switch as it is shown. */
export interface ShownGradual {
  readonly row: GradualSwitchesTable;
  readonly projectSlug: string;
}

const PAGE_SIZE = 20;
const PAGE_SIZE_MAX = 100;

/**
 * Gives the target its first share of the requests. A target that does not run is started first.
 *
 * @throws the gate's refusal, `failed_precondition` also when another one runs in the environment
 */
export async function beginGradualSwitch(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: GradualRequest,
  signal: AbortSignal,
): Promise<ShownGradual> {
  const { db, clock, workflows, events } = deps;
  const { steps, everyMs, sticky } = checkGradual(request);
  const plan = await planPromote(deps, caller, request.targetId);
  const { environment, target } = plan;
  if (environment.liveDeploymentId === target.id) {
    throw publicFault("failed_precondition", `Deployment ${target.id} is live already.`);
  }
  const wanted = { deploymentId: target.id, steps, everyMs, sticky };
  const known = await findRunningGradual(db.kysely, environment.id);
  if (known !== undefined && isSame(known, wanted)) return await shown(deps, known);
  if (plan.path !== "instant") {
    await startFor(deps, caller, { deploymentId: target.id, action: "promote_deployment" }, signal);
  }
  const id = newId("gradualSwitch", clock.now());
  await workflows.beginGradual(id, {
    environmentId: environment.id,
    targetDeploymentId: target.id,
    steps,
    ...(everyMs === undefined ? {} : { everyMs }),
    sticky,
    actor: actorOf(caller),
  }, signal);
  events.changed();
  return await requireGradual(deps, caller, { id, action: "promote_deployment" });
}

/** The answer of an earlier call may have been lost. */
function isSame(
  row: GradualSwitchesTable,
  wanted: {
    readonly deploymentId: string;
    readonly steps: readonly number[];
    readonly everyMs: number | undefined;
    readonly sticky: boolean;
  },
): boolean {
  return row.deployment_id === wanted.deploymentId && row.every_ms === (wanted.everyMs ?? null) &&
    (row.is_sticky === 1) === wanted.sticky && stepsOf(row).join() === wanted.steps.join();
}

/** Goes on to the next step now. @throws `not_found`, `failed_precondition` when it has ended, or the gate's refusal */
export async function advanceGradualSwitch(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  id: string,
  signal: AbortSignal,
): Promise<ShownGradual> {
  return await actOn(deps, caller, id, (known, act) => deps.workflows.advanceGradual(known, act, signal));
}

/** Gives all requests back to the live deployment. @throws `not_found`, `failed_precondition` when it has ended */
export async function abortGradualSwitch(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  id: string,
  signal: AbortSignal,
): Promise<ShownGradual> {
  return await actOn(deps, caller, id, (known, act) => deps.workflows.abortGradual(known, act, signal));
}

async function actOn(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  id: string,
  order: (id: GradualSwitchId, act: GradualAct) => Promise<void>,
): Promise<ShownGradual> {
  const action = "promote_deployment";
  const { row } = await requireGradual(deps, caller, { id, action });
  await order(parseId("gradualSwitch", "gradual_switch_id", row.id), { actor: actorOf(caller) });
  deps.events.changed();
  return await requireGradual(deps, caller, { id, action });
}

/** @throws `not_found` also for another workspace's */
export async function requireGradual(
  deps: Pick<DeploymentDeps, "db">,
  caller: RootKeyPrincipal,
  { id, action }: { readonly id: string; readonly action: ProjectAction },
): Promise<ShownGradual> {
  const known = parseId("gradualSwitch", "gradual_switch_id", id);
  const row = await findGradualSwitch(deps.db.kysely, known);
  if (row?.workspace_id !== caller.workspaceId) {
    throw publicFault("not_found", `Gradual switch "${id}" was not found.`);
  }
  requireInProject(caller, action, row.project_id);
  return await shown(deps, row);
}

async function shown({ db }: Pick<DeploymentDeps, "db">, row: GradualSwitchesTable): Promise<ShownGradual> {
  const projects = await listProjects(db.kysely, row.workspace_id);
  return { row, projectSlug: projects.find(({ id }) => id === row.project_id)?.slug ?? "" };
}

/** Which gradual switches, and which page of them; an empty text asks for all. */
export interface GradualsRequest {
  readonly projectId: string;
  readonly environmentSlug: string;
  /** Those to it. */
  readonly deploymentId: string;
  readonly running: boolean;
  /** 0: the default. */
  readonly pageSize: number;
  readonly pageToken: string;
}

/** Lists gradual switches, newest first. @throws `not_found`, `permission_denied`, `invalid_argument` */
export async function listGraduals(
  deps: Pick<DeploymentDeps, "db" | "reader">,
  caller: RootKeyPrincipal,
  request: GradualsRequest,
): Promise<{ readonly graduals: readonly ShownGradual[]; readonly nextPageToken: string }> {
  const size = pageSize(request.pageSize, PAGE_SIZE, PAGE_SIZE_MAX);
  const { deploymentId, projectId, environmentSlug } = request;
  const deployment = deploymentId === ""
    ? undefined
    : await requireDeployment(deps, caller, { id: deploymentId, action: "read_deployment" });
  const found = await listGradualSwitches(deps.db.kysely, {
    workspaceId: caller.workspaceId,
    projectIds: deployment !== undefined && projectId === ""
      ? undefined
      : await projectsOf(deps, caller, projectId),
    environmentSlug: optionalText("environment_slug", environmentSlug, 63) || undefined,
    deploymentId: deployment?.id,
    isRunning: request.running,
    before: decodePageToken(request.pageToken, "gs"),
    limit: size + 1,
  });
  const { rows, nextPageToken } = pageOf(found, size);
  const projects = rows.length === 0 ? [] : await listProjects(deps.db.kysely, caller.workspaceId);
  const slugs = new Map(projects.map(({ id, slug }) => [id, slug]));
  const graduals = rows.map((row) => ({ row, projectSlug: slugs.get(row.project_id) ?? "" }));
  return { graduals, nextPageToken };
}
