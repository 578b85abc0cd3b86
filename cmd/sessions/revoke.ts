/** `unkey sessions revoke` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { SessionService } from "../../proto/gen/ctrl/v1/session_pb.ts";
import { calling, connect, CONNECT_FIELDS } from "../shared/connect.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";

export const command = defineCommand({
  fields: { ...CONNECT_FIELDS, json: JSON_FIELD },
  positionals: [{
    name: "id",
    help: 'The session\'s id, as "unkey sessions list" shows it.',
    required: true,
  }],
  notes: "The browser is logged out within seconds, and what it follows ends.",
  async run({ config, positionals: [sessionId = ""] }, process) {
    const connection = await connect(config, process);
    const client = createRpcClient(SessionService, connection);
    await calling(connection, () => client.revokeSession({ sessionId }, { signal: process.signal }));
    if (config.json) return process.stdout(jsonLine({ id: sessionId, revoked: true }));
    process.stderr(`revoked ${sessionId}\n`);
  },
});
