/** `unkey limits`: how much of everything a workspace may have, and has. */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { calling, connect, CONNECT_FIELDS } from "../shared/connect.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { limitJson, limitTable } from "../shared/limit_table.ts";

export const command = defineCommand({
  outcome: "output",
  fields: { ...CONNECT_FIELDS, json: JSON_FIELD },
  notes:
    'More than a limit is refused and changes nothing. An operator sets limits with "unkey admin limits set".',
  async run({ config }, process) {
    const connection = await connect(config, process);
    const admin = createRpcClient(AdminService, connection);
    const { limits } = await calling(connection, () => admin.listLimits({}, { signal: process.signal }));
    process.stdout(config.json ? jsonLine({ limits: limits.map(limitJson) }) : limitTable(limits));
  },
});
