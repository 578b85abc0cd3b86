import type { Depot, DepotProject } from "../../../../pkg/build/depot/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError, publicFault } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { findDepotProject, type Queryable, swapDepotProject } from "../../internal/store/mod.ts";

/** Parts that finding or creating works with. */
export interface DepotProjectDeps {
  readonly db: Queryable;
  readonly depot: Pick<Depot, "listProjects" | "createProject" | "deleteProject">;
  /** Of projects that are created, e.g. `us-east-1`. */
  readonly region: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A project here. */
export interface DepotProjectOptions {
  readonly projectId: string;
  /** A stored id that Depot does not know any more: it is replaced. */
  readonly missing?: string;
  readonly signal?: AbortSignal;
}

/**
 * The id of the Depot project that builds this project, so that strangers share no cache. It is created at the first
 * build. Calls for the same project may run at the same time: all return the same id, and at most one project is left
 * at Depot unless a process ends in between.
 *
 * @throws `not_found` when there is no such project here; what `Depot` throws
 */
export async function findOrCreateDepotProject(
  deps: DepotProjectDeps,
  { projectId, missing, signal }: DepotProjectOptions,
): Promise<string> {
  const { db, depot, region, clock } = deps;
  const stored = await findDepotProject(db, projectId);
  if (stored !== undefined && stored !== missing) return stored;
  const name = `unkey-${projectId}`;
  // One of the same name was created by a process that ended before it could store the id, or stores it just now.
  const found = (await depot.listProjects(signal)).find((each) => each.name === name && each.id !== missing);
  const project = found ?? await depot.createProject({ name, region }, signal);
  const swap = { projectId, expected: stored, next: project.id, nowMs: clock.now() };
  if (await swapDepotProject(db, swap)) return project.id;
  const winner = await findDepotProject(db, projectId);
  if (found === undefined && winner !== project.id) await deleteUnused(deps, project);
  if (winner !== undefined) return winner;
  throw publicFault(
    "not_found",
    `Project "${projectId}" does not exist any more, so nothing is built for it.`,
  );
}

/** An unused project costs nothing but a line in Depot's list, so that a failure is only logged. */
async function deleteUnused({ depot, log }: DepotProjectDeps, { id, name }: DepotProject): Promise<void> {
  try {
    await depot.deleteProject(id);
  } catch (error) {
    log.warn("unused depot project not deleted", { depot_project_id: id, name, error: describeError(error) });
  }
}
