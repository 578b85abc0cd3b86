/** `unkey sessions list` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { SessionService } from "../../proto/gen/ctrl/v1/session_pb.ts";
import { calling, connect, CONNECT_FIELDS } from "../shared/connect.ts";
import { age, JSON_FIELD, jsonLine, table } from "../shared/output.ts";

export const command = defineCommand({
  outcome: "output",
  fields: { ...CONNECT_FIELDS, json: JSON_FIELD },
  notes: "They are those of your root key; a key that manages keys sees all sessions of its workspace.",
  async run({ config }, process) {
    const connection = await connect(config, process);
    const { signal, clock, stdout } = process;
    const client = createRpcClient(SessionService, connection);
    const { sessions } = await calling(connection, () => client.listSessions({}, { signal }));
    const shown = sessions.map(({ id, keyId, keyName, browser, createdAt, lastSeenAt, expiresAt }) => ({
      id,
      keyId,
      keyName,
      browser,
      createdAt: Number(createdAt),
      lastSeenAt: Number(lastSeenAt),
      expiresAt: Number(expiresAt),
    }));
    if (config.json) return stdout(jsonLine({ sessions: shown }));
    const now = clock.now();
    stdout(table(
      ["SESSION", "BROWSER", "KEY", "AGE", "SEEN", "ENDS IN"],
      shown.map(({ id, browser, keyId, keyName, createdAt, lastSeenAt, expiresAt }) => [
        id,
        browser,
        keyName === "" ? keyId : keyName,
        age(createdAt, now),
        age(lastSeenAt, now),
        age(now, expiresAt),
      ]),
    ));
  },
});
