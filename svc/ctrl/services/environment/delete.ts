import { transact } from "../../../../pkg/db/mod.ts";
import { type Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { stopNote } from "../../internal/deployments/stop_note.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import {
  type AuditEntry,
  type BusyDeployment,
  deleteEnvironment as markDeleted,
  listActiveDeployments,
  lockEnvironment,
  lockStartedDeployments,
  recordAudit,
  stopDeployments,
  type Tx,
} from "../../internal/store/mod.ts";
import type { EnvironmentDeps } from "./create.ts";

/** With `stop`, the deployments that run there are stopped first. */
export interface DeleteRequest {
  readonly projectId: string;
  readonly slug: string;
  readonly stop: boolean;
}

/** Every project has these two, and deploys rely on them. */
const KEPT = ["production", "preview"];
const SHOWN_MAX = 5;

/**
 * Deletes an environment with its variables and host names; its deployments stay as history. Returns the ids of
 * stopped deployments.
 *
 * @throws `failed_precondition` while a deploy is under way there, or while a deployment runs and `stop` is not set
 */
export async function deleteEnvironment(
  deps: EnvironmentDeps,
  caller: RootKeyPrincipal,
  { projectId, slug, stop }: DeleteRequest,
): Promise<readonly string[]> {
  const project = await requireProject(deps, caller, { id: projectId, action: "delete_environment" });
  const { id } = await requireEnvironment(deps, project, slug);
  if (KEPT.includes(slug)) {
    throw publicFault(
      "failed_precondition",
      `Every project has the environment "${slug}": it cannot be deleted.`,
    );
  }
  const nowMs = deps.clock.now();
  const { stopped, regions } = await transact(deps.db, async (tx) => {
    // Creates, deploys and switches of the environment wait here, and then find it gone.
    const row = await lockEnvironment(tx, id);
    if (row === undefined) throw missing(slug);
    const active = await listActiveDeployments(tx, id);
    if (active.length > 0) throw stillDeploying(slug, active);
    const started = await lockStartedDeployments(tx, id);
    if (started.length > 0 && !stop) throw stillRunning(slug, started);
    const edges = await markDeleted(tx, row, nowMs);
    const regions = await stopDeployments(tx, started, stopNote("environment_deleted", nowMs));
    await audit(tx, started, {
      workspaceId: caller.workspaceId,
      actor: actorOf(caller),
      projectId: project.id,
      environmentId: id,
      nowMs,
    }, slug);
    return { stopped: started.map((each) => each.id), regions: [...edges, ...regions] };
  });
  deps.notifier.changed(regions);
  return stopped;
}

async function audit(
  tx: Tx,
  stopped: readonly BusyDeployment[],
  entry: Omit<AuditEntry, "action" | "resource">,
  slug: string,
): Promise<void> {
  for (const { id } of stopped) {
    const facts = { because: "environment.delete" };
    await recordAudit(tx, {
      ...entry,
      action: "deployment.stop",
      resource: { type: "deployment", id },
      facts,
    });
  }
  const resource = { type: "environment", id: entry.environmentId ?? "" } as const;
  await recordAudit(tx, { ...entry, action: "environment.delete", resource, facts: { slug } });
}

function missing(slug: string): Fault {
  return publicFault("not_found", `Environment "${slug}" was not found: it was deleted meanwhile.`);
}

function stillDeploying(slug: string, active: readonly BusyDeployment[]): Fault {
  return publicFault(
    "failed_precondition",
    `Environment "${slug}" cannot be deleted while it is deployed to: ${named(active)}. ` +
      'Wait for the end, or cancel with "unkey cancel <id>".',
  );
}

function stillRunning(slug: string, started: readonly BusyDeployment[]): Fault {
  return publicFault(
    "failed_precondition",
    `Environment "${slug}" still runs ${
      named(started)
    }. Delete it with --stop to stop what runs there first.`,
  );
}

function named(deployments: readonly BusyDeployment[]): string {
  const shown = deployments.slice(0, SHOWN_MAX).map(({ id, status }) => `${id} (${status})`).join(", ");
  const more = deployments.length - SHOWN_MAX;
  return more > 0 ? `${shown} and ${more} more` : shown;
}
