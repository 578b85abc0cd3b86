/** `unkey admin region-tokens create` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { calling } from "../shared/connect.ts";
import { connectAsOperator, OPERATOR_FIELDS } from "../shared/operator.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";

export const command = defineCommand({
  outcome: "secret",
  fields: { ...OPERATOR_FIELDS, json: JSON_FIELD },
  positionals: [{
    name: "region",
    help: "The region of the agent, e.g. us-east-1.aws; '*' for an edge, which serves all of them.",
    required: true,
  }],
  notes:
    `Prints the token once. An agent ("unkey krane") takes it as UNKEY_CONTROL_PLANE_BEARER, and so does an edge
("unkey frontline"). To replace one: create another, restart its user with it, revoke the former.`,
  async run({ config, positionals: [region = ""] }, process) {
    const { signal, stdout, stderr } = process;
    const connection = await connectAsOperator(config, process);
    const admin = createRpcClient(AdminService, connection);
    const { token, tokenId } = await calling(
      connection,
      () => admin.createRegionToken({ region }, { signal }),
    );
    if (config.json) return stdout(jsonLine({ id: tokenId, region, token }));
    const whose = region === "*" ? "edges" : `agents of the region ${region}`;
    stderr(`The token ${tokenId} for ${whose} is shown this once:\n`);
    stdout(`${token}\n`);
  },
});
