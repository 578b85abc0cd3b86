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

export const ENVIRONMENT_FIELD = field({
  flag: "env",
  env: "UNKEY_ENVIRONMENT",
  file: "environment",
  placeholder: "<slug>",
  help: "The environment.",
  schema: textSchema("preview"),
});

/** The project that the settings and the folder mean. @throws `not_found` that names those there are */
export async function projectOf(
  connection: Connection,
  given: string | undefined,
  { cwd }: Pick<Process, "cwd">,
): Promise<Project> {
  return await resolveProject(createRpcClient(AdminService, connection), { given, folder: basename(cwd) });
}
