/** Rows of one environment's deployments, with their names, placements and instances. */
import { newDnsName, newId } from "../../../pkg/uid/mod.ts";
import { domainsOf } from "../../../svc/ctrl/internal/deployments/domains.ts";
import type { DeploymentsTable, InstancesTable } from "../../../svc/ctrl/internal/store/mod.ts";
import { newDeployment } from "../../../svc/ctrl/internal/store/testing.ts";
import type { AllRows, ScaleWorkspace } from "./seed_rows.ts";
import { instanceOf, RUNNING_IMAGE } from "./simulated_runtime.ts";
import { regionName, type ScaleSize } from "./size.ts";

export const APEX = "scale.example";
const NAME_LENGTH = 12;

interface Place {
  readonly size: ScaleSize;
  readonly project: { readonly id: string; readonly slug: string; readonly workspace: ScaleWorkspace };
  readonly environment: string;
  readonly environmentId: string;
  readonly branches: readonly string[];
  readonly createdAt: number;
}

/** Adds a deployment for each branch, and returns the last one, which is live. */
export function deploymentRows(rows: AllRows, place: Place): string | undefined {
  let live: string | undefined;
  place.branches.forEach((branch, index) => {
    const row = deploymentRow(place, branch, index + 1);
    const isLive = index === place.branches.length - 1;
    rows.deployments.push(row);
    addRoutes(rows, place, { row, isLive });
    for (let region = 0; region < place.size.regions; region++) addPlacement(rows, row, region);
    if (isLive) live = row.id;
  });
  return live;
}

function deploymentRow(place: Place, branch: string, sequence: number): DeploymentsTable {
  const { project, environmentId, createdAt } = place;
  const seed = {
    workspaceId: project.workspace.id,
    projectId: project.id,
    productionId: environmentId,
    previewId: environmentId,
  };
  return {
    ...newDeployment(seed, { image: RUNNING_IMAGE, git_branch: branch, created_at: createdAt }),
    id: newId("deployment", createdAt),
    k8s_name: newDnsName(NAME_LENGTH),
    replicas: 1,
    sequence,
    status: "ready",
    submitted_at: createdAt,
    ended_at: createdAt,
    updated_at: createdAt,
    next_event_sequence: 1,
    request_fingerprint: null,
    redeploy_of: null,
    build_id: null,
    health_check_host: null,
    image_config: null,
    failure_code: null,
    error_message: null,
    failure_details: null,
    stop_note: null,
    stop_due_at: null,
    cancel_requested_at: null,
    image_removed_at: null,
    output_removed_at: null,
    build_key: null,
    image_built_at: null,
    image_source_deployment_id: null,
  };
}

function addRoutes(
  rows: AllRows,
  { project, environment, environmentId, createdAt }: Place,
  { row, isLive }: { readonly row: DeploymentsTable; readonly isLive: boolean },
): void {
  const domains = domainsOf({
    deploymentId: row.id,
    project: project.slug,
    environment,
    workspace: project.workspace.slug,
    apex: APEX,
    commitSha: "",
    branch: row.git_branch,
  });
  for (const { hostname, sticky } of domains.filter((each) => isLive || each.sticky === "branch")) {
    rows.frontline_routes.push({
      id: newId("route", createdAt),
      workspace_id: row.workspace_id,
      project_id: row.project_id,
      environment_id: environmentId,
      deployment_id: row.id,
      hostname,
      sticky,
      created_at: createdAt,
      updated_at: createdAt,
    });
  }
}

function addPlacement(rows: AllRows, row: DeploymentsTable, region: number): void {
  const times = { created_at: row.created_at, updated_at: row.created_at };
  rows.deployment_topology.push({
    deployment_id: row.id,
    region: regionName(region),
    workspace_id: row.workspace_id,
    desired_replicas: row.replicas,
    desired_status: "started",
    version: rows.deployments.length,
    reported_generation: 0,
    ...times,
  });
  rows.instances.push({ ...instanceRow(row, region), ...times });
}

function instanceRow(
  row: DeploymentsTable,
  region: number,
): Omit<InstancesTable, "created_at" | "updated_at"> {
  const { name, address, cpuMillicores, memoryMib } = instanceOf(row.k8s_name, {
    region,
    replica: 0,
    isRunning: true,
  });
  return {
    id: newId("instance", row.created_at),
    deployment_id: row.id,
    workspace_id: row.workspace_id,
    project_id: row.project_id,
    region: regionName(region),
    k8s_name: name,
    address,
    cpu_millicores: cpuMillicores,
    memory_mib: memoryMib,
    status: "running",
    reason: "",
    message: "",
    exit_code: null,
    restarts: 0,
    last_log_lines: "[]",
    last_end: null,
    trouble_since: null,
  };
}
