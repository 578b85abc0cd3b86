import type { Client } from "@connectrpc/connect";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Clock } from "../../clock/mod.ts";
import type { Project, ProjectService } from "../../../proto/gen/depot/core/v1/project_pb.ts";
import { callDepot, unusableAnswer } from "./faults.ts";

/** A project at Depot: builds of the same one share their cache. */
export interface DepotProject {
  readonly id: string;
  /** Not unique. */
  readonly name: string;
  readonly region: string;
  /** 0 when Depot does not say. */
  readonly createdAtMs: number;
}

/** A project to be created. */
export interface NewDepotProject {
  readonly name: string;
  /** E.g. `us-east-1`. */
  readonly region: string;
}

/** Per architecture. */
const CACHE_GB = 50;
const CACHE_DAYS = 14;

interface Deps {
  readonly client: Client<typeof ProjectService>;
  readonly clock: Clock;
}

/** All projects of the organization, the oldest first. */
export async function listProjects(
  { client, clock }: Deps,
  signal: AbortSignal | undefined,
): Promise<readonly DepotProject[]> {
  const { projects } = await callDepot(() => client.listProjects({}, callOptions(signal)), {
    failed: "No list of Depot projects",
    clock,
    signal,
  });
  return projects.map(toProject).toSorted((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
}

/** Creates a project whose cache is bounded. A lost answer can leave a second one of the same name. */
export async function createProject(
  { client, clock }: Deps,
  { name, region }: NewDepotProject,
  signal: AbortSignal | undefined,
): Promise<DepotProject> {
  const failed = "No Depot project";
  const cachePolicy = { keepGb: CACHE_GB, keepDays: CACHE_DAYS };
  const { project } = await callDepot(
    () => client.createProject({ name, regionId: region, cachePolicy }, callOptions(signal)),
    { failed, clock, signal },
  );
  if (project === undefined || project.projectId === "") throw unusableAnswer(failed, "without a project");
  return toProject(project);
}

export async function deleteProject(
  { client, clock }: Deps,
  id: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  await callDepot(() => client.deleteProject({ projectId: id }, callOptions(signal)), {
    failed: `Depot project ${id} was not deleted`,
    clock,
    signal,
  });
}

function callOptions(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function toProject({ projectId: id, name, regionId: region, createdAt }: Project): DepotProject {
  return { id, name, region, createdAtMs: createdAt === undefined ? 0 : timestampMs(createdAt) };
}
