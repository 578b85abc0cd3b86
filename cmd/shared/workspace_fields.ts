/** Settings of the commands for a whole workspace: with a root key its own, with the service token any. */
import type { Process } from "../../pkg/cli/mod.ts";
import { UsageError } from "../../pkg/cli/mod.ts";
import { type ConfigOf, field, textSchema } from "../../pkg/config/mod.ts";
import { type CallingProcess, connect, CONNECT_FIELDS, type Connection } from "./connect.ts";
import { connectAsOperator, SERVICE_TOKEN_FIELD } from "./operator.ts";

export const WORKSPACE_FIELDS = {
  ...CONNECT_FIELDS,
  workspace: field({
    flag: "workspace",
    env: "UNKEY_WORKSPACE",
    placeholder: "<slug or id>",
    help: "As the operator: the workspace, with the service token in UNKEY_AUTH_TOKEN.",
    schema: textSchema(),
  }),
  authToken: SERVICE_TOKEN_FIELD,
};

/** A connection, and the workspace that its requests name. */
export interface WorkspaceConnection {
  readonly connection: Connection;
  /** Empty: the caller's own. */
  readonly workspaceId: string;
}

/** @throws `UsageError` when a workspace is named without the service token */
export async function connectToWorkspace(
  config: ConfigOf<typeof WORKSPACE_FIELDS>,
  process: Pick<Process, "directories"> & CallingProcess,
): Promise<WorkspaceConnection> {
  const { apiBaseUrl, authToken, caFile, workspace } = config;
  if (workspace === undefined) return { connection: await connect(config, process), workspaceId: "" };
  if (authToken === undefined) {
    throw new UsageError("--workspace (UNKEY_WORKSPACE) needs the service token: set UNKEY_AUTH_TOKEN.");
  }
  return {
    connection: await connectAsOperator({ apiBaseUrl, authToken, caFile }, process),
    workspaceId: workspace,
  };
}
