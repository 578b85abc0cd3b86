/** `unkey environments delete` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { switchField } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { EnvironmentService } from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { confirm, YES_FIELD } from "../shared/confirm.ts";
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
    yes: YES_FIELD,
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
    const message = `Delete the environment ${slug} of ${project}, with its variables?`;
    await confirm(process, config.yes, { message, initial: false });
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
