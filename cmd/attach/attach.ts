/** `unkey attach`: follows a deployment that runs, as the deploy that made it does. */
import { defineCommand, type ExitCode } from "../../pkg/cli/mod.ts";
import { CONNECT_FIELDS } from "../shared/connect.ts";
import { exitNotes, FOLLOW_EXITS } from "../shared/deploying/exit_codes.ts";
import { ATTACH_FIELDS } from "../shared/deploying/follow_fields.ts";
import { reportDeploy } from "../shared/deploying/print_result.ts";
import { NOTHING_DONE } from "../shared/deploying/result.ts";
import { DEPLOYMENT_WORD } from "../shared/find_deployment.ts";
import { ENVIRONMENT_FILTER_FIELD } from "../shared/project_fields.ts";
import { runAttach } from "./run_attach.ts";

/** `unkey attach <deployment>` */
export const command = defineCommand({
  events: true,
  exitCodes: FOLLOW_EXITS,
  fields: { ...CONNECT_FIELDS, environment: ENVIRONMENT_FILTER_FIELD, ...ATTACH_FIELDS },
  positionals: [{ name: "deployment", help: DEPLOYMENT_WORD, required: true }],
  notes:
    `The output of the build is printed from its beginning, and the end of the deployment is the end of the command:
output and exit code are those of the deploy that made it, also when that was long ago.

${exitNotes(FOLLOW_EXITS)}`,
  failure: NOTHING_DONE,
  async run({ config, positionals: [word = ""] }, process): Promise<ExitCode> {
    return await reportDeploy(config, process, (report) => runAttach({ word, config, process, report }));
  },
});
