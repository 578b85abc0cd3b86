/** Settings that say which project and environment a command is about. */
import { basename } from "node:path";
import type { Process } from "../../pkg/cli/mod.ts";
import { field, textSchema } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService, type Project } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { resolveProject } from "./resolve_project.ts";
import type { Connection } from "./connect.ts";

export const PROJECT_FIELD = field({
  flag: "project",
  env: "UNKEY_PROJECT",
  file: "project",
  placeholder: "<slug or id>",
  help: "The project. Default: the one called like the folder, else the only one.",
  schema: textSchema(),
});

const ENVIRONMENT = { flag: "env", env: "UNKEY_ENVIRONMENT", placeholder: "<slug>" } as const;

export const ENVIRONMENT_FIELD = field({
  ...ENVIRONMENT,
  file: "environment",
  help: "The environment.",
  schema: textSchema("preview"),
});

/** Narrows a choice: without it, the deployments of all environments count, also with an `unkey.json`. */
export const ENVIRONMENT_FILTER_FIELD = field({
  ...ENVIRONMENT,
  help: "With a project: its newest deployment of this environment.",
  schema: textSchema(),
});

/** The project that settings and folder name. @throws `not_found` that lists the projects */
export async function projectOf(
  connection: Connection,
  given: string | undefined,
  { cwd, signal }: Pick<Process, "cwd" | "signal">,
): Promise<Project> {
  const admin = createRpcClient(AdminService, connection);
  return await resolveProject(admin, { given, folder: basename(cwd) }, signal);
}
