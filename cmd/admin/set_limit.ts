/** `unkey admin limits set` */
import { defineCommand, UsageError } from "../../pkg/cli/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { calling } from "../shared/connect.ts";
import { connectAsOperator, OPERATOR_FIELDS } from "../shared/operator.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";

const DEFAULT = "default";
const COUNT = /^\d{1,15}$/;

export const command = defineCommand({
  fields: { ...OPERATOR_FIELDS, json: JSON_FIELD },
  positionals: [
    { name: "workspace", help: "Slug or id of the workspace.", required: true },
    { name: "limit", help: 'Its name, as "unkey admin limits list" shows it.', required: true },
    { name: "value", help: `A whole number, or "${DEFAULT}".`, required: true },
  ],
  notes: "Holds at once. Things above a lower limit stay; nothing is added to them.",
  async run({ config, positionals: [workspaceId = "", name = "", text = ""] }, process) {
    const { signal, stdout, stderr } = process;
    if (text !== DEFAULT && !COUNT.test(text)) {
      throw new UsageError(`The value "${text}" is not a whole number and not "${DEFAULT}".`);
    }
    const connection = await connectAsOperator(config, process);
    const admin = createRpcClient(AdminService, connection);
    const value = text === DEFAULT ? {} : { value: BigInt(text) };
    await calling(connection, () => admin.setLimit({ workspaceId, name, ...value }, { signal }));
    if (config.json) {
      return stdout(
        jsonLine({ workspace: workspaceId, name, ...(text === DEFAULT ? {} : { limit: Number(text) }) }),
      );
    }
    stderr(`set ${name} of ${workspaceId} to ${text === DEFAULT ? "the default" : text}\n`);
  },
});
