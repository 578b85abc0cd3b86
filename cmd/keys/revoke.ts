/** `unkey keys revoke` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { calling } from "../shared/connect.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { connectToWorkspace, WORKSPACE_FIELDS } from "../shared/workspace_fields.ts";

export const command = defineCommand({
  fields: { ...WORKSPACE_FIELDS, json: JSON_FIELD },
  positionals: [{ name: "id", help: 'The key\'s id, as "unkey keys list" shows it.', required: true }],
  notes:
    "It stops working within seconds, also for what is under way with it, such as a log that is followed.",
  async run({ config, positionals: [keyId = ""] }, process) {
    const { connection, workspaceId } = await connectToWorkspace(config, process);
    const admin = createRpcClient(AdminService, connection);
    await calling(connection, () => admin.revokeRootKey({ keyId, workspaceId }, { signal: process.signal }));
    if (config.json) return process.stdout(jsonLine({ id: keyId, revoked: true }));
    process.stderr(`revoked ${keyId}\n`);
  },
});
