/** `unkey redeploy`: deploys a former deployment again, with the variables as they are now. */
import { defineCommand, type ExitCode, UsageError } from "../../pkg/cli/mod.ts";
import { field, textSchema } from "../../pkg/config/mod.ts";
import { FOLLOW_FIELDS, followSettings } from "../shared/deploying/follow_fields.ts";
import { exitNotes, FOLLOW_EXITS } from "../shared/deploying/exit_codes.ts";
import { reportDeploy } from "../shared/deploying/print_result.ts";
import { NOTHING_DONE } from "../shared/deploying/result.ts";
import { connect, CONNECT_FIELDS } from "../shared/connect.ts";
import { DEPLOY_STEPS_FIELDS, gradualOf } from "../shared/gradual_fields.ts";
import { ENVIRONMENT_FIELD, PROJECT_FIELD } from "../shared/project_fields.ts";
import { projectFile } from "../shared/project_file.ts";
import { SIZE_FIELDS, sizeOf } from "../shared/size_fields.ts";
import { runRedeploy } from "../shared/deploying/run_redeploy.ts";

/** `unkey redeploy [deployment]` */
export const command = defineCommand({
  events: true,
  exitCodes: FOLLOW_EXITS,
  fields: {
    ...CONNECT_FIELDS,
    project: PROJECT_FIELD,
    environment: ENVIRONMENT_FIELD,
    to: field({
      flag: "to",
      env: "UNKEY_REDEPLOY_TO",
      placeholder: "<slug>",
      help: "Deploy to this environment of the project instead, without building again.",
      schema: textSchema(),
    }),
    ...SIZE_FIELDS,
    ...DEPLOY_STEPS_FIELDS,
    ...FOLLOW_FIELDS,
  },
  positionals: [{
    name: "deployment",
    help:
      "A deployment's id. Default: what the environment serves, else its newest deployment that got ready.",
    required: false,
  }],
  notes:
    `Nothing is built: image, commit, command, port and health check are those of the deployment, and the variables
are the environment's as they are now. So is the size, when it was set since, or in another environment.

${exitNotes(FOLLOW_EXITS)}`,
  failure: NOTHING_DONE,
  file: (_words, process) => projectFile(process),
  async run({ config, positionals: [id] }, process): Promise<ExitCode> {
    if (id !== undefined && !id.startsWith("d_")) {
      throw new UsageError(`"${id}" is not the id of a deployment: "unkey list" shows them.`);
    }
    const { project, environment, to } = config;
    const gradual = gradualOf(config);
    return await reportDeploy(config, process, (report) =>
      runRedeploy({
        former: id === undefined ? { kind: "environment", project, environment } : { kind: "deployment", id },
        to,
        size: sizeOf(config),
        gradual,
        connect: () => connect(config, process),
        process,
        report,
        ...followSettings(config),
      }));
  },
});
