/** `unkey keys create` */
import { defineCommand, UsageError } from "../../pkg/cli/mod.ts";
import { field, listSchema, textSchema } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { calling } from "../shared/connect.ts";
import { findProject } from "../shared/find_deployment.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { connectToWorkspace, WORKSPACE_FIELDS } from "../shared/workspace_fields.ts";
import { expandPermissions } from "./permissions.ts";

export const command = defineCommand({
  outcome: "secret",
  fields: {
    ...WORKSPACE_FIELDS,
    permissions: field({
      flag: "permissions",
      env: "UNKEY_KEY_PERMISSIONS",
      placeholder: "<list>",
      help: "What it may do, comma-separated: deploy, read, all, or single permissions.",
      schema: listSchema(["deploy"]),
    }),
    project: field({
      flag: "project",
      env: "UNKEY_KEY_PROJECT",
      placeholder: "<slug or id>",
      help: "Limit deploy and read to this project.",
      schema: textSchema(),
    }),
    json: JSON_FIELD,
  },
  positionals: [{ name: "name", help: "What it is for, e.g. ci.", required: true }],
  notes: `Prints the key once. A root key passes on only what it has itself.

  deploy  create, cancel, promote, roll back, stop and start deployments, and read them (the default)
  read    see deployments, logs, projects, environments and the status
  all     everything, other keys, variables and registries among it

Single permissions look like project.*.read_logs, project.<id>.create_deployment, workspace.manage_keys or
workspace.manage_registries.

  unkey keys create ci --permissions deploy --project shop`,
  async run({ config, positionals: [name = ""] }, process) {
    const { connection, workspaceId } = await connectToWorkspace(config, process);
    if (config.project !== undefined && workspaceId !== "") {
      throw new UsageError(
        "--project works with a root key only: with the service token, give its permissions.",
      );
    }
    const { project } = config;
    const admin = createRpcClient(AdminService, connection);
    const projectId = project === undefined
      ? "*"
      : (await calling(connection, () => findProject(connection, project, process.signal))).id;
    const permissions = [...expandPermissions(config.permissions, projectId)];
    const { signal } = process;
    const { keyId, key } = await calling(
      connection,
      () => admin.createRootKey({ workspaceId, name, permissions }, { signal }),
    );
    if (config.json) return process.stdout(jsonLine({ id: keyId, name, permissions, key }));
    process.stderr(`The root key ${keyId} is shown this once; "unkey login" or UNKEY_ROOT_KEY takes it:\n`);
    process.stdout(`${key}\n`);
  },
});
