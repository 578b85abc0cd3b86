/** `unkey share`: links to what is protected. */
import { defineCommand, type Process, UsageError } from "../../pkg/cli/mod.ts";
import { type ConfigOf, field, parsedSchema, switchField } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { EnvironmentService } from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { calling, connect, CONNECT_FIELDS, type Connection } from "../shared/connect.ts";
import { findDeployment } from "../shared/find_deployment.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { PROJECT_FIELD, projectOf } from "../shared/project_fields.ts";
import { projectFile } from "../shared/project_file.ts";

const UNITS = { d: 86_400, h: 3_600, m: 60 } as const;
const SECONDS_MIN = 60;
const SECONDS_MAX = 90 * UNITS.d;
const RULE = "must be a time such as 30m, 24h or 7d, of at most 90d";

const FIELDS = {
  ...CONNECT_FIELDS,
  project: PROJECT_FIELD,
  for: field({
    flag: "for",
    env: "UNKEY_SHARE_FOR",
    placeholder: "<time>",
    help: "How long the link works: 30m, 24h, 7d. Default: 24h.",
    schema: parsedSchema(secondsOf, RULE),
    show: () => "",
  }),
  revokeAll: switchField({
    flag: "revoke-all",
    env: "UNKEY_SHARE_REVOKE_ALL",
    help: "End all links, and make browsers ask for the password again.",
  }),
  json: JSON_FIELD,
};

type Config = ConfigOf<typeof FIELDS>;

export const command = defineCommand({
  outcome: "secret",
  fields: FIELDS,
  positionals: [{
    name: "target",
    help:
      "The slug of an environment, or a deployment's id. With --revoke-all: an environment, or all of them.",
    required: false,
  }],
  notes:
    `Prints a link that shows a protected environment to those who have it, as often as they like, until it ends. The link of
a deployment shows that deployment only, also where its host name leads to a newer one later. Programs send the token of the
link in the header X-Unkey-Share.

Links are not stored, so that there is no list of them. --revoke-all ends all links of a password: of one environment, or of
all previews if they share theirs.

  unkey share preview --for 7d
  unkey share d_2gBnv4kYq1
  unkey share --revoke-all`,
  file: (_words, process) => projectFile(process),
  async run({ config, positionals: [target = ""] }, process) {
    const connection = await connect(config, process);
    if (config.revokeAll) return await revoke(config, target, { connection, process });
    if (target === "") throw new UsageError("Name an environment or a deployment, or use --revoke-all.");
    const link = await calling(connection, () => create(config, target, { connection, process }));
    const [first = ""] = link.urls;
    const endsAt = Number(link.endsAt);
    if (config.json) {
      const { project, token, urls } = link;
      return process.stdout(jsonLine({ project, url: first, urls, token, endsAt }));
    }
    process.stderr(
      `The link works until ${new Date(endsAt).toISOString().slice(0, 16).replace("T", " ")} UTC:\n`,
    );
    process.stdout(`${first}\n`);
  },
});

interface Calls {
  readonly connection: Connection;
  readonly process: Process;
}

async function create(config: Config, target: string, { connection, process }: Calls) {
  const { signal } = process;
  const client = createRpcClient(EnvironmentService, connection);
  const validSeconds = BigInt(config.for ?? 0);
  if (target.startsWith("d_")) {
    const wanted = { word: target, environment: undefined };
    const { projectId, projectSlug: project } = await findDeployment(connection, wanted, signal);
    const place = { case: "deploymentId", value: target } as const;
    return {
      project,
      ...await client.createShareLink({ projectId, target: place, validSeconds }, { signal }),
    };
  }
  const { id: projectId, slug: project } = await projectOf(connection, config.project, process);
  const place = { case: "environmentSlug", value: target } as const;
  return { project, ...await client.createShareLink({ projectId, target: place, validSeconds }, { signal }) };
}

async function revoke(
  config: Config,
  environmentSlug: string,
  { connection, process }: Calls,
): Promise<void> {
  if (config.for !== undefined) throw new UsageError("--for and --revoke-all exclude each other.");
  const client = createRpcClient(EnvironmentService, connection);
  const { project, environmentSlugs } = await calling(connection, async () => {
    const { id: projectId, slug } = await projectOf(connection, config.project, process);
    const request = { projectId, environmentSlug };
    return { project: slug, ...await client.revokeShareLinks(request, { signal: process.signal }) };
  });
  if (config.json) return process.stdout(jsonLine({ project, revoked: environmentSlugs }));
  process.stderr(`revoked all links to ${environmentSlugs.join(", ")} of ${project}\n`);
}

function secondsOf(text: string): number | undefined {
  const [, count = "", unit = ""] = /^([1-9]\d{0,6})([dhm])$/.exec(text) ?? [];
  const size = Object.entries(UNITS).find(([name]) => name === unit)?.[1];
  const seconds = size === undefined ? NaN : Number(count) * size;
  return seconds >= SECONDS_MIN && seconds <= SECONDS_MAX ? seconds : undefined;
}
