/** `unkey dashboard`: a browser that is logged in. */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { SessionService } from "../../proto/gen/ctrl/v1/session_pb.ts";
import { BROWSER_FIELDS, BROWSER_NOTES, openOrPrint } from "../shared/browser.ts";
import { calling, connect, CONNECT_FIELDS } from "../shared/connect.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { ENVIRONMENT_FIELD, PROJECT_FIELD } from "../shared/project_fields.ts";
import { projectFile } from "../shared/project_file.ts";
import { linkTo, PAGE_WORDS, pagePath } from "./page.ts";

export const command = defineCommand({
  outcome: "secret",
  fields: {
    ...CONNECT_FIELDS,
    project: PROJECT_FIELD,
    environment: ENVIRONMENT_FIELD,
    ...BROWSER_FIELDS,
    json: { ...JSON_FIELD, help: "Print one JSON object instead of opening the URL." },
  },
  file: (_words, process) => projectFile(process),
  positionals: [{
    name: "page",
    help: `The page to begin with: ${PAGE_WORDS}, or a deployment's id. Default: overview.`,
    required: false,
  }],
  notes:
    `The URL logs one browser in, once and within five minutes. The browser may then do what your root key may do,
until the session ends: "unkey sessions list" shows it. ${BROWSER_NOTES}`,
  async run({ config, positionals: [word] }, process) {
    const connection = await connect(config, process);
    const { signal } = process;
    const client = createRpcClient(SessionService, connection);
    const { link, expiresAt } = await calling(connection, async () => {
      const { project, environment } = config;
      const path = await pagePath({ word, project, environment }, connection, process);
      const { url, expiresAt } = await client.createLoginLink({}, { signal });
      return { link: linkTo(url, path), expiresAt };
    });
    if (config.json) return process.stdout(jsonLine({ url: link, expiresAt: Number(expiresAt) }));
    await openOrPrint(config, { url: link, shown: link.replace(/#.*/, "") }, process);
  },
});
