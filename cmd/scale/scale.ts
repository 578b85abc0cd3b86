/** `unkey scale`: the size of an environment's deployments. */
import { defineCommand, UsageError } from "../../pkg/cli/mod.ts";
import { switchField } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { EnvironmentService } from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { calling, connect, CONNECT_FIELDS } from "../shared/connect.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { PROJECT_FIELD, projectOf } from "../shared/project_fields.ts";
import { projectFile } from "../shared/project_file.ts";
import { ENVIRONMENT_SIZE_FIELDS, sizeOf, sizeText } from "../shared/size_fields.ts";

/** `unkey scale <environment>` */
export const command = defineCommand({
  fields: {
    ...CONNECT_FIELDS,
    project: PROJECT_FIELD,
    ...ENVIRONMENT_SIZE_FIELDS,
    reset: switchField({
      flag: "reset",
      env: "UNKEY_SCALE_RESET",
      help: "Forget what was set before: the operator's values hold again.",
    }),
    json: JSON_FIELD,
  },
  positionals: [{ name: "environment", help: "The slug of an environment.", required: true }],
  notes: `The size holds for later deployments. "unkey redeploy" gives it to what runs, without a build.`,
  file: (_words, process) => projectFile(process),
  async run({ config, positionals: [environmentSlug = ""] }, process) {
    const size = sizeOf(config);
    if (size === undefined && !config.reset) {
      throw new UsageError("Nothing to set: give --memory, --cpu or --replicas, or --reset.");
    }
    const connection = await connect(config, process);
    const client = createRpcClient(EnvironmentService, connection);
    const { signal } = process;
    const { project, effective } = await calling(connection, async () => {
      const { id: projectId, slug: project } = await projectOf(connection, config.project, process);
      const request = {
        projectId,
        environmentSlug,
        reset: config.reset,
        ...(size === undefined ? {} : { size }),
      };
      return { project, effective: (await client.setSize(request, { signal })).size };
    });
    const { memoryMib = 0, cpuMillicores = 0, replicas = 0 } = effective ?? {};
    if (config.json) {
      const shown = { memoryMib, cpuMillicores, ...(replicas === 0 ? {} : { replicas }) };
      return process.stdout(jsonLine({ project, environment: environmentSlug, size: shown }));
    }
    const instances = replicas === 0 ? "" : `, ${replicas} in each region`;
    process.stdout(
      `${project} ${environmentSlug}: ${
        sizeText({ memoryMib, cpuMillicores })
      } for each instance${instances}\n`,
    );
    process.stderr(
      `It holds for later deployments. Give it to what runs now: unkey redeploy --env ${environmentSlug}\n`,
    );
  },
});
