/** `unkey admin workspaces list` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { calling } from "../shared/connect.ts";
import { connectAsOperator, OPERATOR_FIELDS } from "../shared/operator.ts";
import { age, JSON_FIELD, jsonLine, table } from "../shared/output.ts";
import { allPages } from "../shared/pages.ts";

export const command = defineCommand({
  outcome: "output",
  fields: { ...OPERATOR_FIELDS, json: JSON_FIELD },
  async run({ config }, process) {
    const { clock, signal, stdout, stderr } = process;
    const connection = await connectAsOperator(config, process);
    const admin = createRpcClient(AdminService, connection);
    const workspaces = await calling(connection, () =>
      allPages(async (pageToken) => {
        const { workspaces: rows, nextPageToken } = await admin.listWorkspaces({ pageToken }, { signal });
        return { rows, nextPageToken };
      }));
    if (config.json) {
      return stdout(jsonLine({
        workspaces: workspaces.map(({ id, slug, name, createdAt }) => ({
          id,
          slug,
          name,
          createdAt: Number(createdAt),
        })),
      }));
    }
    if (workspaces.length === 0) {
      return stderr('There are none yet: "unkey admin workspaces create" makes one.\n');
    }
    const now = clock.now();
    stdout(table(
      ["WORKSPACE", "ID", "AGE", "NAME"],
      workspaces.map(({ id, slug, name, createdAt }) => [slug, id, age(Number(createdAt), now), name]),
    ));
  },
});
