/** `unkey dashboard`: a browser that is logged in. */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { SessionService } from "../../proto/gen/ctrl/v1/session_pb.ts";
import { BROWSER_FIELDS, BROWSER_NOTES, openOrPrint } from "../shared/browser.ts";
import { calling, connect, CONNECT_FIELDS } from "../shared/connect.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";

export const command = defineCommand({
  outcome: "secret",
  fields: {
    ...CONNECT_FIELDS,
    ...BROWSER_FIELDS,
    json: { ...JSON_FIELD, help: "Print one JSON object instead of opening the URL." },
  },
  notes:
    `The URL logs one browser in, once and within five minutes. The browser may then do what your root key may do,
until the session ends: "unkey sessions list" shows it. ${BROWSER_NOTES}`,
  async run({ config }, process) {
    const connection = await connect(config, process);
    const { signal } = process;
    const client = createRpcClient(SessionService, connection);
    const { url, expiresAt } = await calling(connection, () => client.createLoginLink({}, { signal }));
    if (config.json) return process.stdout(jsonLine({ url, expiresAt: Number(expiresAt) }));
    await openOrPrint(config, { url, shown: url.replace(/#.*/, "") }, process);
  },
});
