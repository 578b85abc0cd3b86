/** `unkey metrics`: the requests of a deployment over the last time. */
import { defineCommand, type Process } from "../../pkg/cli/mod.ts";
import { type ConfigOf, field, textSchema } from "../../pkg/config/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { calling, connect, CONNECT_FIELDS, type Connection } from "../shared/connect.ts";
import { findDeployment } from "../shared/find_deployment.ts";
import { findLiveDeployment } from "../shared/live_deployment.ts";
import { momentMs, momentSchema } from "../shared/moment.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { PROJECT_FIELD } from "../shared/project_fields.ts";
import { projectFile } from "../shared/project_file.ts";
import { metricsJson } from "./metrics_json.ts";
import { metricsText } from "./metrics_text.ts";

const SINCE_SECONDS = 3_600;
const SINCE_SECONDS_MIN = 60;
/** The control plane keeps no more. */
const SINCE_SECONDS_MAX = 90 * 86_400;

const FIELDS = {
  ...CONNECT_FIELDS,
  project: PROJECT_FIELD,
  environment: field({
    flag: "env",
    env: "UNKEY_ENVIRONMENT",
    placeholder: "<slug>",
    help: "The environment. Default: production; with a project's slug as the word, all of them.",
    schema: textSchema(),
  }),
  since: field({
    flag: "since",
    env: "UNKEY_METRICS_SINCE",
    placeholder: "<time>",
    help:
      "Where to begin: a time (2026-01-31T12:00:00Z), or how long ago it was (10m, 2h, 7d), up to 90d. Default: 1h.",
    schema: momentSchema(),
  }),
  region: field({
    flag: "region",
    env: "UNKEY_METRICS_REGION",
    placeholder: "<region>",
    help: "Only requests that came through edges of this region.",
    schema: textSchema(),
  }),
  json: JSON_FIELD,
};

/** `unkey metrics [deployment]` */
export const command = defineCommand({
  outcome: "output",
  fields: FIELDS,
  file: (_words, process) => projectFile(process),
  positionals: [{
    name: "deployment",
    help: "A deployment's id, or a project's slug for its newest deployment. Default: the live one.",
    required: false,
  }],
  notes:
    `The edges count what they route, each for itself, and report it every 10 seconds. Errors are responses with 5xx and
those that broke off; latencies end with the head of the response, and are off by less than an eighth. Steps of 10
seconds are kept for 2 hours, minutes for 2 days, hours for 90 days.`,
  async run({ config, positionals: [word] }, process) {
    const { clock, signal, stdout } = process;
    const connection = await connect(config, process);
    const client = createRpcClient(DeploymentService, connection);
    const sinceSeconds = sinceOf(config, clock.now());
    const { region = "" } = config;
    const { deployment, traffic } = await calling(connection, async () => {
      const deployment = await wantedDeployment(config, { word, connection, process });
      const request = { deploymentId: deployment.id, sinceSeconds: BigInt(sinceSeconds), region };
      return { deployment, traffic: await client.getTraffic(request, { signal }) };
    });
    const json = metricsJson(traffic);
    if (config.json) return stdout(jsonLine(json));
    const place = `${deployment.project} (${deployment.environment})`;
    stdout(metricsText(json, { place, nowMs: clock.now() }));
  },
});

type Config = ConfigOf<typeof FIELDS>;

/** @throws `invalid_argument` */
function sinceOf({ since }: Config, nowMs: number): number {
  if (since === undefined) return SINCE_SECONDS;
  const seconds = Math.ceil((nowMs - momentMs(since, nowMs)) / 1_000);
  if (seconds >= SINCE_SECONDS_MIN && seconds <= SINCE_SECONDS_MAX) return seconds;
  throw publicFault("invalid_argument", "--since must be between a minute and 90 days ago.");
}

interface Place {
  readonly id: string;
  readonly project: string;
  readonly environment: string;
}

async function wantedDeployment(
  { project, environment }: Config,
  { word, connection, process }: {
    readonly word: string | undefined;
    readonly connection: Connection;
    readonly process: Process;
  },
): Promise<Place> {
  if (word === undefined) {
    const wanted = { project, environment: environment ?? "production" };
    const { deploymentId, ...place } = await findLiveDeployment(wanted, connection, process);
    return { id: deploymentId, ...place };
  }
  const { id, projectSlug, environmentSlug } = await findDeployment(
    connection,
    { word, environment },
    process.signal,
  );
  return { id, project: projectSlug, environment: environmentSlug };
}
