/** `unkey environments create` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { field, textSchema } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { EnvironmentService } from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { calling, connect, CONNECT_FIELDS } from "../shared/connect.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { PROJECT_FIELD, projectOf } from "../shared/project_fields.ts";
import { projectFile } from "../shared/project_file.ts";

export const command = defineCommand({
  fields: {
    ...CONNECT_FIELDS,
    project: PROJECT_FIELD,
    description: field({
      flag: "description",
      env: "UNKEY_ENVIRONMENT_DESCRIPTION",
      placeholder: "<text>",
      help: "What it is for.",
      schema: textSchema(""),
    }),
    json: JSON_FIELD,
  },
  positionals: [{
    name: "slug",
    help: "Its name, which becomes part of host names: lower-case letters, digits and hyphens.",
    required: true,
  }],
  file: (_words, process) => projectFile(process),
  async run({ config, positionals: [slug = ""] }, process) {
    const connection = await connect(config, process);
    const client = createRpcClient(EnvironmentService, connection);
    const { description } = config;
    const { id, project } = await calling(connection, async () => {
      const { id: projectId, slug: project } = await projectOf(connection, config.project, process);
      const { id } = await client.createEnvironment({ projectId, slug, description }, {
        signal: process.signal,
      });
      return { id, project };
    });
    if (config.json) return process.stdout(jsonLine({ id, slug, project }));
    process.stderr(`created ${slug} in ${project}: "unkey deploy --env ${slug}" deploys to it\n`);
    process.stdout(`${id}\n`);
  },
});
