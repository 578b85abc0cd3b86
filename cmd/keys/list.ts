/** `unkey keys list` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { calling } from "../shared/connect.ts";
import { age, JSON_FIELD, jsonLine, table } from "../shared/output.ts";
import { connectToWorkspace, WORKSPACE_FIELDS } from "../shared/workspace_fields.ts";

export const command = defineCommand({
  outcome: "output",
  fields: { ...WORKSPACE_FIELDS, json: JSON_FIELD },
  async run({ config }, process) {
    const { connection, workspaceId } = await connectToWorkspace(config, process);
    const { signal, clock, stdout } = process;
    const admin = createRpcClient(AdminService, connection);
    const { keys } = await calling(connection, () => admin.listRootKeys({ workspaceId }, { signal }));
    if (config.json) {
      return stdout(jsonLine({
        keys: keys.map(({ id, name, start, permissions, createdAt }) => ({
          id,
          name,
          start,
          permissions,
          createdAt: Number(createdAt),
        })),
      }));
    }
    const now = clock.now();
    stdout(table(
      ["KEY", "NAME", "BEGINS", "AGE", "PERMISSIONS"],
      keys.map(({ id, name, start, permissions, createdAt }) => [
        id,
        name,
        start,
        age(Number(createdAt), now),
        permissions.join(","),
      ]),
    ));
  },
});
