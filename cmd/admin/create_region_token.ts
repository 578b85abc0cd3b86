/** `unkey admin region-tokens create` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { field, listSchema, textSchema } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { calling } from "../shared/connect.ts";
import { connectAsOperator, OPERATOR_FIELDS } from "../shared/operator.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { keepToken } from "./token_file.ts";

export const command = defineCommand({
  outcome: "secret",
  fields: {
    ...OPERATOR_FIELDS,
    networks: field({
      flag: "networks",
      env: "UNKEY_REGION_NETWORKS",
      placeholder: "<network,...>",
      help:
        "Where the region's instances are, e.g. 10.0.0.0/8,fd00::/8. Addresses outside, which its agent " +
        "reports, get no request. Default: all but those of a machine itself (127.0.0.0/8, ::1) or a link.",
      schema: listSchema([]),
    }),
    tokenFile: field({
      flag: "token-file",
      env: "UNKEY_REGION_TOKEN_FILE",
      placeholder: "<path>",
      help:
        "Write the token there, readable by this user only, instead of printing it. When the file has a token that " +
        "is still good, none is created: safe to repeat at each start.",
      schema: textSchema(),
    }),
    json: JSON_FIELD,
  },
  positionals: [{
    name: "region",
    help: "The region of the agent, e.g. us-east-1.aws; '*' for an edge, which serves all of them.",
    required: true,
  }],
  notes:
    `Prints the token once. An agent ("unkey krane") takes it as UNKEY_CONTROL_PLANE_BEARER, and so does an edge
("unkey frontline"). To replace one: create another, restart its user with it, revoke the former.

Edges connect to what agents report, so that an agent in wrong hands could lead visitors to ports of the control
plane: name the networks of pods and containers. An agent with Docker on the edge's own machine that publishes
ports there needs 127.0.0.0/8.`,
  async run({ config, positionals: [region = ""] }, process) {
    const { signal, stdout, stderr } = process;
    const connection = await connectAsOperator(config, process);
    const admin = createRpcClient(AdminService, connection);
    const { networks, tokenFile: path } = config;
    if (path !== undefined) {
      const { tokenId, created } = await calling(
        connection,
        () => keepToken(admin, { path, region, networks }, signal),
      );
      if (config.json) return stdout(jsonLine({ id: tokenId, region, tokenFile: path, created }));
      return stderr(`${path} has the token ${tokenId}, which ${created ? "is new" : "is still good"}.\n`);
    }
    const { token, tokenId } = await calling(
      connection,
      () => admin.createRegionToken({ region, networks: [...networks] }, { signal }),
    );
    if (config.json) return stdout(jsonLine({ id: tokenId, region, token }));
    const whose = region === "*" ? "edges" : `agents of the region ${region}`;
    stderr(`The token ${tokenId} for ${whose} is shown this once:\n`);
    stdout(`${token}\n`);
  },
});
