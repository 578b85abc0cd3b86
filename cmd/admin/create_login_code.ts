/** `unkey admin login-codes create` */
import { defineCommand, type Process } from "../../pkg/cli/mod.ts";
import { type ConfigOf, field, integerSchema, listSchema, textSchema } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { calling, type Connection } from "../shared/connect.ts";
import { readLocalPlatform, SERVICE_DATA_FOLDER } from "../shared/local_platform.ts";
import { connectAsOperator, OPERATOR_FIELDS, SERVICE_TOKEN_FIELD } from "../shared/operator.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";

const MINUTES_MAX = 60;

const FIELDS = {
  apiBaseUrl: OPERATOR_FIELDS.apiBaseUrl,
  caFile: OPERATOR_FIELDS.caFile,
  authToken: SERVICE_TOKEN_FIELD,
  dataDir: field({
    flag: "data-dir",
    env: "UNKEY_DATA_DIR",
    placeholder: "<folder>",
    help: 'Data folder of "unkey up", which is asked without UNKEY_AUTH_TOKEN.',
    schema: textSchema(SERVICE_DATA_FOLDER),
  }),
  workspace: field({
    flag: "workspace",
    env: "UNKEY_WORKSPACE",
    placeholder: "<slug>",
    help: 'Workspace of the root key, by id or slug. Default: the one of "unkey up".',
    schema: textSchema(),
  }),
  permissions: field({
    flag: "permissions",
    env: "UNKEY_PERMISSIONS",
    placeholder: "<permission,...>",
    help: 'Permissions of the root key, such as "project.*.create_deployment"; "*" is everything.',
    schema: listSchema(["*"]),
  }),
  minutes: field({
    flag: "minutes",
    env: "UNKEY_LOGIN_CODE_MINUTES",
    placeholder: "<number>",
    help: "How long it can be used.",
    schema: integerSchema(10, 1, MINUTES_MAX),
  }),
  json: JSON_FIELD,
};

/** `unkey admin login-codes create` */
export const command = defineCommand({
  outcome: "secret",
  fields: FIELDS,
  notes:
    `Prints a short code. "unkey login <url>" on another machine takes it once, and stores a root key there. On the server
itself: "sudo unkey admin login-codes create".`,
  async run({ config }, process) {
    const { connection, workspaceId, url } = await target(config, process);
    const admin = createRpcClient(AdminService, connection);
    const { permissions, minutes } = config;
    const request = { workspaceId, permissions: [...permissions], validSeconds: BigInt(minutes * 60) };
    const { code, expiresAt, workspaceSlug } = await calling(
      connection,
      () => admin.createLoginCode(request, { signal: process.signal }),
    );
    if (config.json) {
      return process.stdout(jsonLine({ code, url, workspace: workspaceSlug, expiresAt: Number(expiresAt) }));
    }
    process.stderr(
      `For the workspace ${workspaceSlug}, once, within ${minutes} minutes, on another machine: "unkey login ${url}"\n`,
    );
    process.stdout(`${code}\n`);
  },
});

interface Target {
  readonly connection: Connection;
  readonly workspaceId: string;
  /** The api as the other machine reaches it. */
  readonly url: string;
}

async function target(config: ConfigOf<typeof FIELDS>, process: Process): Promise<Target> {
  if (config.authToken !== undefined) {
    const connection = await connectAsOperator({ ...config, authToken: config.authToken }, process);
    return { connection, workspaceId: config.workspace ?? "", url: connection.baseUrl };
  }
  const local = await readLocalPlatform(process.cwd, config.dataDir);
  const connection = await connectAsOperator({
    apiBaseUrl: config.apiBaseUrl ?? local.apiUrl,
    authToken: local.serviceToken,
    caFile: config.caFile,
  }, process);
  const workspaceId = config.workspace ?? local.workspaceId;
  return { connection, workspaceId, url: local.publicApiUrl ?? connection.baseUrl };
}
