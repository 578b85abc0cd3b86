/** Creating a deployment: its sequence, its first event, and the builds that it supersedes. */
import { Fault, isFault } from "../../../../pkg/fault/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import { appendEvent } from "./deployment_events.ts";
import { findDeploymentByIdempotencyKey } from "./deployments.ts";
import { lockNextSequence, takeSequence } from "./environments.ts";
import type { DeploymentsTable } from "./schema.ts";
import { supersedeOlderBuilds } from "./supersede.ts";

/** Columns of a new deployment that the caller decides; `createDeployment` sets the others. */
export interface NewDeployment extends
  Omit<
    DeploymentsTable,
    | "sequence"
    | "status"
    | "build_id"
    | "health_check_host"
    | "image_config"
    | "failure_code"
    | "error_message"
    | "failure_details"
    | "stop_note"
    | "stop_due_at"
    | "submitted_at"
    | "cancel_requested_at"
    | "next_event_sequence"
    | "updated_at"
    | "ended_at"
    | "image_removed_at"
    | "output_removed_at"
    | "build_key"
    | "image_built_at"
    | "image_source_deployment_id"
    | "request_fingerprint"
    | "redeploy_of"
  >,
  Partial<Pick<DeploymentsTable, "request_fingerprint" | "redeploy_of">> {}

/** A deployment, and whether this call made it. */
export interface CreatedDeployment {
  readonly deployment: DeploymentsTable;
  /** False: the workspace used the same idempotency key before, and this is the deployment of that call. */
  readonly created: boolean;
  /** Builds that it supersedes; signal their workflows, so that they end now and not at their next look. */
  readonly superseded: readonly string[];
}

/**
 * Records a deployment as pending, with the next sequence of its environment and its first event. A build ends older
 * builds of its environment and branch that still wait.
 *
 * Creates of one environment take turns. With an idempotency key, only the first create in the workspace makes a row.
 *
 * @throws `not_found` when the environment does not exist
 */
export async function createDeployment(tx: Tx, deployment: NewDeployment): Promise<CreatedDeployment> {
  const { environment_id: environmentId, workspace_id: workspaceId } = deployment;
  const sequence = await lockNextSequence(tx, { id: environmentId, workspaceId });
  if (sequence === undefined) {
    throw new Fault("not_found", `no environment "${environmentId}" to create a deployment in`);
  }
  const earlier = await findByIdempotencyKey(tx, deployment);
  if (earlier !== undefined) return { deployment: earlier, created: false, superseded: [] };

  const row: DeploymentsTable = {
    ...deployment,
    sequence,
    status: "pending",
    request_fingerprint: deployment.request_fingerprint ?? null,
    redeploy_of: deployment.redeploy_of ?? null,
    build_id: null,
    health_check_host: null,
    image_config: null,
    failure_code: null,
    error_message: null,
    failure_details: null,
    stop_note: null,
    stop_due_at: null,
    submitted_at: null,
    cancel_requested_at: null,
    next_event_sequence: 1,
    updated_at: deployment.created_at,
    ended_at: null,
    image_removed_at: null,
    output_removed_at: null,
    build_key: null,
    image_built_at: null,
    image_source_deployment_id: null,
  };
  try {
    await tx.insertInto("deployments").values(row).execute();
  } catch (error) {
    // The same key at the same moment in another environment of the workspace.
    const winner = isFault(error, "already_exists") ? await findByIdempotencyKey(tx, deployment) : undefined;
    if (winner === undefined) throw error;
    return { deployment: winner, created: false, superseded: [] };
  }
  await takeSequence(tx, environmentId, sequence);
  await appendEvent(tx, row.id, "status", { status: "pending" }, deployment.created_at);
  const superseded = await supersedeOlderBuilds(tx, row, deployment.created_at);
  return { deployment: { ...row, next_event_sequence: 2 }, created: true, superseded };
}

async function findByIdempotencyKey(
  db: Queryable,
  { workspace_id, idempotency_key }: NewDeployment,
): Promise<DeploymentsTable | undefined> {
  if (idempotency_key === null) return undefined;
  return await findDeploymentByIdempotencyKey(db, workspace_id, idempotency_key);
}
