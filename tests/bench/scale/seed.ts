/** Rows of a platform that has been running for a while, written in bulk. */
import { newDnsName, newId } from "../../../pkg/uid/mod.ts";
import {
  type CtrlDatabase,
  EDGE_REGION,
  ensureWorkspaceNamespace,
} from "../../../svc/ctrl/internal/store/mod.ts";
import { deploymentRows } from "./seed_deployments.ts";
import { type AllRows, newRows, type ScaleWorkspace } from "./seed_rows.ts";
import { regionName, type ScaleSize } from "./size.ts";

/** A project with its live deployment in `production`, and a deployment of each branch in `preview`. */
export interface ScaleProject {
  readonly id: string;
  readonly workspace: ScaleWorkspace;
  readonly branches: readonly string[];
}

export interface SeedOptions {
  readonly size: ScaleSize;
  readonly workspaces: readonly ScaleWorkspace[];
  readonly nowMs: number;
}

const ROWS_PER_INSERT = 1_000;
/** Longer than the hour in which deployments of a workspace are counted. */
const AGE_MS = 7_200_000;
const NAMESPACE_LENGTH = 8;

/** Writes projects and deployments that run in every region, with the instances that the agents are going to report. */
export async function seedScale(db: CtrlDatabase, options: SeedOptions): Promise<readonly ScaleProject[]> {
  const { size, workspaces, nowMs } = options;
  const rows = newRows();
  const projects: ScaleProject[] = [];
  for (let index = 0; index < size.projects; index++) {
    const workspace = workspaces[index % workspaces.length];
    if (workspace === undefined) throw new Error("no workspace to put projects into");
    projects.push(addProject(rows, { size, index, workspace, createdAt: nowMs - AGE_MS }));
  }
  const regions = Array.from({ length: size.regions }, (_, region) => regionName(region));
  rows.region_versions = [...regions, EDGE_REGION].map((region) => ({ region, version: size.deployments }));
  await insertAll(db, rows);
  for (const { id } of workspaces) {
    await ensureWorkspaceNamespace(db.kysely, { id, candidate: newDnsName(NAMESPACE_LENGTH), nowMs });
  }
  return projects;
}

function addProject(
  rows: AllRows,
  { size, index, workspace, createdAt }: {
    readonly size: ScaleSize;
    readonly index: number;
    readonly workspace: ScaleWorkspace;
    readonly createdAt: number;
  },
): ScaleProject {
  const projectId = newId("project", createdAt);
  const slug = `shop-${index}`;
  const perProject = size.deployments / size.projects;
  const [first, next] = [Math.floor(index * perProject), Math.floor((index + 1) * perProject)];
  const branches = Array.from({ length: Math.max(0, next - first - 1) }, (_, n) => `branch-${n}`);
  const times = { created_at: createdAt, updated_at: createdAt };
  rows.projects.push({
    id: projectId,
    workspace_id: workspace.id,
    name: slug,
    slug,
    default_branch: "main",
    depot_project_id: null,
    command: "[]",
    ...times,
  });
  const places = [
    { environment: "production", branches: next > first ? ["main"] : [] },
    { environment: "preview", branches },
  ];
  for (const { environment, branches: own } of places) {
    const environmentId = newId("environment", createdAt);
    const project = { id: projectId, slug, workspace };
    const live = deploymentRows(rows, {
      size,
      project,
      environment,
      environmentId,
      branches: own,
      createdAt,
    });
    rows.environments.push({
      id: environmentId,
      workspace_id: workspace.id,
      project_id: projectId,
      slug: environment,
      description: "",
      live_deployment_id: live ?? null,
      is_rolled_back: 0,
      size: null,
      size_set_at: 0,
      idle_end_seconds: null,
      app_settings: null,
      next_sequence: own.length + 1,
      ...times,
      deleted_at: 0,
    });
  }
  return { id: projectId, workspace, branches };
}

async function insertAll(db: CtrlDatabase, rows: AllRows): Promise<void> {
  const chunks = <T>(all: readonly T[]): T[][] =>
    Array.from(
      { length: Math.ceil(all.length / ROWS_PER_INSERT) },
      (_, n) => all.slice(n * ROWS_PER_INSERT, (n + 1) * ROWS_PER_INSERT),
    );
  const { kysely } = db;
  for (const part of chunks(rows.projects)) await kysely.insertInto("projects").values(part).execute();
  for (const part of chunks(rows.environments)) {
    await kysely.insertInto("environments").values(part).execute();
  }
  for (const part of chunks(rows.deployments)) await kysely.insertInto("deployments").values(part).execute();
  for (const part of chunks(rows.frontline_routes)) {
    await kysely.insertInto("frontline_routes").values(part).execute();
  }
  for (const part of chunks(rows.deployment_topology)) {
    await kysely.insertInto("deployment_topology").values(part).execute();
  }
  for (const part of chunks(rows.instances)) await kysely.insertInto("instances").values(part).execute();
  for (const part of chunks(rows.region_versions)) {
    await kysely.insertInto("region_versions").values(part).execute();
  }
}
