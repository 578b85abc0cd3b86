/** `unkey environments delete` */
import { defineCommand, type Process } from "../../pkg/cli/mod.ts";
import { switchField } from "../../pkg/config/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
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
    stop: switchField({
      flag: "stop",
      env: "UNKEY_ENVIRONMENT_STOP",
      help: "Stop what runs there. Without it an environment that runs something stays.",
    }),
    yes: switchField({ flag: "yes", env: "UNKEY_YES", help: "Do not ask." }),
    json: JSON_FIELD,
  },
  positionals: [{ name: "slug", help: "Its name.", required: true }],
  notes: 'Its variables and host names are gone with it. Its deployments stay in "unkey list".',
  file: (_words, process) => projectFile(process),
  async run({ config, positionals: [slug = ""] }, process) {
    const connection = await connect(config, process);
    const client = createRpcClient(EnvironmentService, connection);
    const { signal } = process;
    const { id: projectId, slug: project } = await calling(
      connection,
      () => projectOf(connection, config.project, process),
    );
    if (!config.yes) {
      await confirm(`Delete the environment ${slug} of ${project}, with its variables?`, process);
    }
    const { stop } = config;
    const { stoppedDeploymentIds: stopped } = await calling(
      connection,
      () => client.deleteEnvironment({ projectId, slug, stop }, { signal }),
    );
    if (config.json) return process.stdout(jsonLine({ slug, project, stopped }));
    const what = stopped.length === 0 ? "" : `, stopped ${stopped.join(", ")}`;
    process.stderr(`deleted ${slug} of ${project}${what}\n`);
  },
});

/** Without a terminal, calling the command is the answer. */
async function confirm(message: string, { prompts }: Process): Promise<void> {
  if (prompts === undefined || await prompts.confirm({ message, initial: false }) === true) return;
  throw publicFault("cancelled", "Nothing was deleted.");
}
