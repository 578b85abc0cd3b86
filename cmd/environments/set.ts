/** `unkey environments set` */
import { defineCommand, UsageError } from "../../pkg/cli/mod.ts";
import { field } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { EnvironmentService } from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { calling, connect, CONNECT_FIELDS } from "../shared/connect.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { PROJECT_FIELD, projectOf } from "../shared/project_fields.ts";
import { projectFile } from "../shared/project_file.ts";
import { IDLE_END_SCHEMA, idleEndText } from "./idle_end.ts";

export const command = defineCommand({
  fields: {
    ...CONNECT_FIELDS,
    project: PROJECT_FIELD,
    idleEnd: field({
      flag: "idle-end",
      env: "UNKEY_IDLE_END",
      placeholder: "<time>",
      help: "Stop deployments that got no request for so long: 7d, 12h, 30m, never, or default.",
      schema: IDLE_END_SCHEMA,
      show: () => "",
    }),
    json: JSON_FIELD,
  },
  positionals: [{ name: "environment", help: "The slug of an environment.", required: true }],
  notes:
    `It holds at once, also for what runs. A stopped deployment keeps its host names, which say how it is started
again. What production serves never ends for want of requests. Unless it is set, the operator's value holds for
the environment preview (7 days, if they did not change it), and deployments of other environments go on.`,
  file: (_words, process) => projectFile(process),
  async run({ config, positionals: [environmentSlug = ""] }, process) {
    const { idleEnd } = config;
    if (idleEnd === undefined) throw new UsageError("Nothing to set: give --idle-end.");
    const connection = await connect(config, process);
    const client = createRpcClient(EnvironmentService, connection);
    const { signal } = process;
    const { project, seconds } = await calling(connection, async () => {
      const { id: projectId, slug: project } = await projectOf(connection, config.project, process);
      const given = idleEnd.kind === "operator" ? {} : { seconds: BigInt(idleEnd.seconds) };
      const { seconds } = await client.setIdleEnd({ projectId, environmentSlug, ...given }, { signal });
      return { project, seconds: Number(seconds) };
    });
    if (config.json) {
      return process.stdout(jsonLine({ project, environment: environmentSlug, idleEndSeconds: seconds }));
    }
    const when = seconds === 0
      ? "never end for want of requests"
      : `end after ${idleEndText(seconds)} without a request`;
    process.stdout(`${project} ${environmentSlug}: deployments ${when}\n`);
  },
});
