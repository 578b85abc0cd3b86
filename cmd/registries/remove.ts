/** `unkey registries remove` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { calling } from "../shared/connect.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { connectToWorkspace, WORKSPACE_FIELDS } from "../shared/workspace_fields.ts";

export const command = defineCommand({
  fields: { ...WORKSPACE_FIELDS, json: JSON_FIELD },
  positionals: [{ name: "host", help: 'The registry, as "unkey registries list" shows it.', required: true }],
  notes: "Builds that are created from now on pull from it without credentials.",
  async run({ config, positionals: [given = ""] }, process) {
    const { connection, workspaceId } = await connectToWorkspace(config, process);
    const admin = createRpcClient(AdminService, connection);
    const request = { workspaceId, host: given };
    const { host, removed } = await calling(
      connection,
      () => admin.removeRegistry(request, { signal: process.signal }),
    );
    if (!removed) {
      throw publicFault(
        "not_found",
        `There are no credentials for ${host}: "unkey registries list" shows which there are.`,
      );
    }
    if (config.json) return process.stdout(jsonLine({ host, removed }));
    process.stderr(`removed ${host}\n`);
  },
});
