/** `unkey admin region-tokens list` */
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
    const tokens = await calling(connection, () =>
      allPages(async (pageToken) => {
        const { tokens: rows, nextPageToken } = await admin.listRegionTokens({ pageToken }, { signal });
        return { rows, nextPageToken };
      }));
    if (config.json) {
      return stdout(jsonLine({
        tokens: tokens.map(({ id, region, createdAt, networks }) => ({
          id,
          region,
          createdAt: Number(createdAt),
          ...(region === "*" ? {} : { networks }),
        })),
      }));
    }
    if (tokens.length === 0) {
      return stderr('There are none yet: "unkey admin region-tokens create" makes one.\n');
    }
    const now = clock.now();
    stdout(table(
      ["TOKEN", "REGION", "AGE", "NETWORKS"],
      tokens.map(({ id, region, createdAt, networks }) => [
        id,
        region === "*" ? "* (edges)" : region,
        age(Number(createdAt), now),
        region === "*" ? "" : networks.length === 0 ? "all but loopback" : networks.join(","),
      ]),
    ));
  },
});
