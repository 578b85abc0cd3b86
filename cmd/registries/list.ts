/** `unkey registries list` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { calling } from "../shared/connect.ts";
import { age, JSON_FIELD, jsonLine, table } from "../shared/output.ts";
import { connectToWorkspace, WORKSPACE_FIELDS } from "../shared/workspace_fields.ts";

export const command = defineCommand({
  outcome: "output",
  fields: { ...WORKSPACE_FIELDS, json: JSON_FIELD },
  notes: "Passwords are stored encrypted and are never shown.",
  async run({ config }, process) {
    const { connection, workspaceId } = await connectToWorkspace(config, process);
    const { signal, clock, stdout, stderr } = process;
    const admin = createRpcClient(AdminService, connection);
    const { registries } = await calling(
      connection,
      () => admin.listRegistries({ workspaceId }, { signal }),
    );
    if (config.json) {
      const shown = registries.map(({ host, username, createdAt, updatedAt }) => ({
        host,
        username,
        createdAt: Number(createdAt),
        updatedAt: Number(updatedAt),
      }));
      return stdout(jsonLine({ registries: shown }));
    }
    if (registries.length === 0) {
      return stderr(
        'No registries: base images are pulled without credentials. "unkey registries add" adds one.\n',
      );
    }
    const now = clock.now();
    stdout(table(
      ["HOST", "USERNAME", "CHANGED"],
      registries.map((
        { host, username, updatedAt },
      ) => [host, username, `${age(Number(updatedAt), now)} ago`]),
    ));
  },
});
