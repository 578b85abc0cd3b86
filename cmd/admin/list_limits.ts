/** `unkey admin limits list` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { limitJson, limitTable } from "../shared/limit_table.ts";
import { calling } from "../shared/connect.ts";
import { connectAsOperator, OPERATOR_FIELDS } from "../shared/operator.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";

export const command = defineCommand({
  outcome: "output",
  fields: { ...OPERATOR_FIELDS, json: JSON_FIELD },
  positionals: [{ name: "workspace", help: "Slug or id of the workspace.", required: true }],
  async run({ config, positionals: [workspaceId = ""] }, process) {
    const { signal, stdout } = process;
    const connection = await connectAsOperator(config, process);
    const admin = createRpcClient(AdminService, connection);
    const { limits } = await calling(connection, () => admin.listLimits({ workspaceId }, { signal }));
    stdout(config.json ? jsonLine({ limits: limits.map(limitJson) }) : limitTable(limits));
  },
});
