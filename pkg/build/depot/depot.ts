import type { Clock } from "../../clock/mod.ts";
import type { Secret } from "../../config/mod.ts";
import type { Logger } from "../../logger/mod.ts";
import { createRpcClient } from "../../rpc/mod.ts";
import { BuildService } from "../../../proto/gen/depot/cli/v1/build_pb.ts";
import { ProjectService } from "../../../proto/gen/depot/core/v1/project_pb.ts";
import { acquireMachine, type AcquireRequest, type DepotMachine } from "./machine.ts";
import {
  createProject,
  deleteProject,
  type DepotProject,
  listProjects,
  type NewDepotProject,
} from "./projects.ts";

/** Depot's public API. */
export const DEPOT_API_URL = "https://api.depot.dev";

/** Access to Depot. */
export interface DepotOptions {
  /** Of an organization, or of one project, which then cannot make projects. */
  readonly token: Secret;
  readonly apiUrl?: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** The longest wait for a machine, in milliseconds. */
  readonly machineMsMax?: number;
}

/**
 * Depot's API. Every method throws `failed_precondition` when Depot refuses the token or the request, `not_found` when
 * it does not know the project, `rate_limited` at a limit of the organization, and `unavailable` when it does not answer.
 */
export interface Depot {
  /**
   * Creates a build, and waits for a machine that can run it. What was created is ended again when there is no machine.
   *
   * @throws `unavailable` when no machine is ready in time; the signal's reason when it aborts
   */
  acquire(request: AcquireRequest): Promise<DepotMachine>;
  /** All projects of the organization, the oldest first. */
  listProjects(signal?: AbortSignal): Promise<readonly DepotProject[]>;
  createProject(project: NewDepotProject, signal?: AbortSignal): Promise<DepotProject>;
  /** Deletes a project with its cache. */
  deleteProject(id: string, signal?: AbortSignal): Promise<void>;
}

/** A machine starts within seconds to a minute; then the platform has to wait for capacity. */
const MACHINE_MS_MAX = 5 * 60_000;
/** The first poll for a machine may be answered late. */
const TIMEOUT_MS = 30_000;

/** Opens a client; nothing is sent before the first call. */
export function openDepot(options: DepotOptions): Depot {
  const { clock, log, apiUrl: baseUrl = DEPOT_API_URL, machineMsMax = MACHINE_MS_MAX } = options;
  const builds = (token: Secret) =>
    createRpcClient(BuildService, { baseUrl, token, headers: HEADERS, timeoutMs: TIMEOUT_MS });
  const organization = builds(options.token);
  const projects = {
    client: createRpcClient(ProjectService, {
      baseUrl,
      token: options.token,
      headers: HEADERS,
      timeoutMs: TIMEOUT_MS,
    }),
    clock,
  };
  return {
    acquire: (request) => acquireMachine({ organization, builds, clock, log, machineMsMax }, request),
    listProjects: (signal) => listProjects(projects, signal),
    createProject: (project, signal) => createProject(projects, project, signal),
    deleteProject: (id, signal) => deleteProject(projects, id, signal),
  };
}

const HEADERS = { "user-agent": "unkey" };
