/** `unkey open`: the live deployment in a browser. */
import { defineCommand, type Process } from "../../pkg/cli/mod.ts";
import type { ConfigOf } from "../../pkg/config/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { BROWSER_FIELDS, BROWSER_NOTES, openOrPrint } from "../shared/browser.ts";
import { calling, connect, CONNECT_FIELDS, type Connection } from "../shared/connect.ts";
import { findLiveDeployment } from "../shared/live_deployment.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { ENVIRONMENT_FIELD, PROJECT_FIELD } from "../shared/project_fields.ts";
import { projectFile } from "../shared/project_file.ts";

const FIELDS = {
  ...CONNECT_FIELDS,
  project: PROJECT_FIELD,
  environment: ENVIRONMENT_FIELD,
  ...BROWSER_FIELDS,
  json: { ...JSON_FIELD, help: "Print one JSON object instead of opening the URL." },
};

export const command = defineCommand({
  fields: FIELDS,
  notes: BROWSER_NOTES,
  file: (_words, process) => projectFile(process),
  async run({ config }, process) {
    const connection = await connect(config, process);
    const live = await calling(connection, () => findLive(config, connection, process));
    if (config.json) return process.stdout(jsonLine(live));
    await openOrPrint(config, live, process);
  },
});

type Config = ConfigOf<typeof FIELDS>;

interface Live {
  readonly url: string;
  readonly project: string;
  readonly environment: string;
  readonly deploymentId: string;
}

/** @throws `failed_precondition` when nothing is live, or nothing has a URL */
async function findLive(
  config: Config,
  connection: Connection,
  process: Process,
): Promise<Live> {
  const { signal } = process;
  const found = await findLiveDeployment(config, connection, process);
  const { deploymentId, project, environment } = found;
  const client = createRpcClient(DeploymentService, connection);
  const { deployment } = await client.getDeployment({ deploymentId }, { signal });
  const [url] = deployment?.urls ?? [];
  if (url !== undefined) return { url, ...found };
  throw publicFault(
    "failed_precondition",
    `${deploymentId}, which is live in ${environment} of ${project}, has no URL.`,
  );
}
