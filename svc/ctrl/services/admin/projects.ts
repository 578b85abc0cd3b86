import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import { mayInProject, permissionDenied } from "../../internal/auth/permissions.ts";
import type { RootKeyPrincipal, ServicePrincipal } from "../../internal/auth/principal.ts";
import { requireProject } from "../../internal/auth/project.ts";
import { type AppSettings, decodeAppSettings } from "../../internal/deployments/app/settings.ts";
import { PRODUCTION_SLUG } from "../../internal/deployments/domains.ts";
import { idleEndSeconds } from "../../internal/deployments/idle_end.ts";
import { type ShownProtection, shownProtection } from "../../internal/protection/mod.ts";
import { decodeSizeSettings, resolveSize, type Size } from "../../internal/deployments/size.ts";
import {
  createProject as recordProject,
  type EnvironmentsTable,
  findProject,
  FIRST_ENVIRONMENTS,
  listEnvironments as readEnvironments,
  listLastDeployed,
  listLiveDeployments,
  listProjects as readProjects,
  listProtections,
  type ProjectsTable,
  recordAudit,
} from "../../internal/store/mod.ts";
import { reserve } from "../../internal/limits/mod.ts";
import { refuseTakenNames } from "../../internal/taken_names.ts";
import { optionalText, slug } from "../../internal/validate/mod.ts";
import type { AdminDeps } from "./deps.ts";
import { unlessTaken, workspaceFor } from "./workspaces.ts";

export interface ProjectRequest {
  /** For the service token only. */
  readonly workspaceId: string;
  readonly name: string;
  readonly slug: string;
  /** Empty: `main`. */
  readonly defaultBranch: string;
}

/**
 * Creates a project with its environments `production` and `preview`.
 *
 * @throws `already_exists` when the slug is taken, `failed_precondition` when a host name of it would be another one's
 */
export async function createProject(
  deps: AdminDeps,
  caller: RootKeyPrincipal | ServicePrincipal,
  request: ProjectRequest,
): Promise<ProjectsTable> {
  const { db, clock } = deps;
  const project = {
    id: newId("project", clock.now()),
    slug: slug("slug", request.slug),
    name: optionalText("name", request.name, 256) || request.slug,
    defaultBranch: optionalText("default_branch", request.defaultBranch, 256) || "main",
    workspaceId: await workspaceFor(deps, caller, request.workspaceId),
    nowMs: clock.now(),
  };
  if (caller.kind === "root_key" && !mayInProject(caller, "create_project", "*")) {
    throw permissionDenied("project.*.create_project");
  }
  await unlessTaken("project", project.slug, () =>
    transact(db, async (tx) => {
      // Names are looked up and taken in turns, too.
      await reserve(tx, ["projects"], { workspaceId: project.workspaceId, nowMs: project.nowMs });
      const { workspaceId, slug: name } = project;
      await refuseTakenNames(tx, {
        workspaceId,
        project: name,
        environments: FIRST_ENVIRONMENTS,
        isProject: true,
      });
      await recordProject(tx, project);
      await recordAudit(tx, {
        workspaceId: project.workspaceId,
        actor: actorOf(caller),
        action: "project.create",
        resource: { type: "project", id: project.id },
        projectId: project.id,
        facts: { slug: project.slug },
        nowMs: project.nowMs,
      });
    }));
  const created = await findProject(db.kysely, project.workspaceId, project.id);
  if (created === undefined) {
    throw publicFault("unavailable", "The project was removed while it was created.");
  }
  return created;
}

/** A project with the live deployment of its production environment. */
export interface ListedProject extends ProjectsTable {
  readonly liveDeploymentId: string | undefined;
}

/** The projects of the caller's workspace that it may read, by slug. */
export async function listProjects({ db }: AdminDeps, caller: RootKeyPrincipal): Promise<ListedProject[]> {
  const projects = await readProjects(db.kysely, caller.workspaceId);
  const live = await listLiveDeployments(db.kysely, caller.workspaceId, PRODUCTION_SLUG);
  return projects.filter(({ id }) => mayInProject(caller, "read_project", id))
    .map((project) => ({ ...project, liveDeploymentId: live.get(project.id) }));
}

/** An environment with what holds for its next deployments. */
export interface ListedEnvironment {
  readonly row: EnvironmentsTable;
  readonly size: Size;
  readonly app: AppSettings;
  /** 0: never. */
  readonly lastDeployedAt: number;
  /** 0: its deployments go on without requests. */
  readonly idleEndSeconds: number;
  readonly protection: ShownProtection["protection"];
}

/** The environments of a project, by slug. @throws `not_found` */
export async function listEnvironments(
  deps: AdminDeps,
  caller: RootKeyPrincipal,
  projectId: string,
): Promise<ListedEnvironment[]> {
  const { db, sizes, operatorIdleSeconds } = deps;
  const project = await requireProject(deps, caller, { id: projectId, action: "read_environment" });
  const rows = await readEnvironments(db.kysely, caller.workspaceId, project.id);
  const deployed = await listLastDeployed(db.kysely, rows.map(({ id }) => id));
  const protections = await listProtections(db.kysely, {
    workspaceId: caller.workspaceId,
    projectId: project.id,
  });
  return rows.map((row) => ({
    row,
    protection: shownProtection(protections, row).protection,
    size: resolveSize(sizes, decodeSizeSettings(row.size)),
    app: decodeAppSettings(row.app_settings),
    lastDeployedAt: deployed.get(row.id) ?? 0,
    idleEndSeconds: idleEndSeconds(row, operatorIdleSeconds),
  }));
}
