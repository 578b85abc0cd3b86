/** `unkey metrics`: the requests of a deployment, or of an environment, over the last time. */
import { defineCommand, type Process } from "../../pkg/cli/mod.ts";
import { type ConfigOf, field, switchField, textSchema } from "../../pkg/config/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import type { GetTrafficRequestSchema } from "../../proto/gen/ctrl/v1/traffic_pb.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { calling, connect, CONNECT_FIELDS, type Connection } from "../shared/connect.ts";
import { findDeployment } from "../shared/find_deployment.ts";
import { findLiveDeployment } from "../shared/live_deployment.ts";
import { momentMs, momentSchema } from "../shared/moment.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { PROJECT_FIELD, projectOf } from "../shared/project_fields.ts";
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
  all: switchField({
    flag: "all",
    env: "UNKEY_METRICS_ALL",
    help: "Requests of all deployments of the environment, in the place of one.",
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
seconds are kept for 2 hours, minutes for 2 days, hours for 90 days. --all counts the 20 deployments of the
environment that had the latest requests, and says so when there were more.`,
  async run({ config, positionals: [word] }, process) {
    const { clock, signal, stdout } = process;
    const connection = await connect(config, process);
    const client = createRpcClient(DeploymentService, connection);
    const sinceSeconds = sinceOf(config, clock.now());
    const { region = "" } = config;
    const { wanted, traffic, scaled } = await calling(connection, async () => {
      const wanted = await placeOf(config, { word, connection, process });
      const request = { ...wanted.scope, sinceSeconds: BigInt(sinceSeconds), region };
      const traffic = await client.getTraffic(request, { signal });
      const { deploymentId } = wanted.scope;
      const shown = deploymentId === undefined
        ? undefined
        : await client.getDeployment({ deploymentId }, { signal });
      return { wanted, traffic, scaled: shown?.deployment?.scaledRegions ?? [] };
    });
    const json = metricsJson(traffic, scaled);
    if (config.json) return stdout(jsonLine(json));
    const place = `${wanted.project} (${wanted.environment})`;
    stdout(metricsText(json, { place, scaled, nowMs: clock.now() }));
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
  readonly scope: Pick<
    MessageInitShape<typeof GetTrafficRequestSchema>,
    "deploymentId" | "projectId" | "environmentSlug"
  >;
  /** The project's slug. */
  readonly project: string;
  readonly environment: string;
}

interface Wanted {
  readonly word: string | undefined;
  readonly connection: Connection;
  readonly process: Process;
}

async function placeOf(config: Config, wanted: Wanted): Promise<Place> {
  if (!config.all) return await deploymentPlace(config, wanted);
  const { word, connection, process } = wanted;
  if (word !== undefined) {
    throw publicFault("invalid_argument", "--all is about an environment: leave it out, or the deployment.");
  }
  const { id: projectId, slug: project } = await projectOf(connection, config.project, process);
  const environment = config.environment ?? "production";
  return { scope: { projectId, environmentSlug: environment }, project, environment };
}

async function deploymentPlace(
  { project, environment }: Config,
  { word, connection, process }: Wanted,
): Promise<Place> {
  if (word === undefined) {
    const wanted = { project, environment: environment ?? "production" };
    const { deploymentId, ...place } = await findLiveDeployment(wanted, connection, process);
    return { scope: { deploymentId }, ...place };
  }
  const { id, projectSlug, environmentSlug } = await findDeployment(
    connection,
    { word, environment },
    process.signal,
  );
  return { scope: { deploymentId: id }, project: projectSlug, environment: environmentSlug };
}
