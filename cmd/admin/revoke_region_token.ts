/** `unkey admin region-tokens revoke` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { calling } from "../shared/connect.ts";
import { connectAsOperator, OPERATOR_FIELDS } from "../shared/operator.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";

export const command = defineCommand({
  fields: { ...OPERATOR_FIELDS, json: JSON_FIELD },
  positionals: [{
    name: "id",
    help: 'The token\'s id, as "unkey admin region-tokens list" shows it.',
    required: true,
  }],
  notes:
    "Whoever uses it is cut off within seconds. Apps that run keep running; an edge keeps the routes that it has.",
  async run({ config, positionals: [tokenId = ""] }, process) {
    const { signal, stdout, stderr } = process;
    const connection = await connectAsOperator(config, process);
    const admin = createRpcClient(AdminService, connection);
    await calling(connection, () => admin.revokeRegionToken({ tokenId }, { signal }));
    if (config.json) return stdout(jsonLine({ id: tokenId, revoked: true }));
    stderr(`revoked ${tokenId}\n`);
  },
});
