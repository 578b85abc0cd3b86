/** `unkey stop`: the instances of a deployment that serves nothing are ended. */
import { defineCommand, EXIT } from "../../pkg/cli/mod.ts";
import { connect, CONNECT_FIELDS } from "../shared/connect.ts";
import { statusName } from "../shared/deployment_view.ts";
import { DEPLOYMENT_WORD, findDeployment } from "../shared/find_deployment.ts";
import { EXIT_NOTES, operate, operationClient, printDone, QUIET_FIELD } from "../shared/operation.ts";
import { JSON_FIELD } from "../shared/output.ts";
import { ENVIRONMENT_FILTER_FIELD } from "../shared/project_fields.ts";

/** `unkey stop <deployment>` */
export const command = defineCommand({
  fields: {
    ...CONNECT_FIELDS,
    environment: ENVIRONMENT_FILTER_FIELD,
    quiet: QUIET_FIELD,
    json: JSON_FIELD,
  },
  positionals: [{ name: "deployment", help: DEPLOYMENT_WORD, required: true }],
  notes:
    `A deployment that is live, or that a branch's or an environment's host name leads to, is not stopped. Its own
host name stays; "unkey start" and "unkey rollback" bring the deployment back.

${EXIT_NOTES}`,
  async run({ config, positionals: [word = ""] }, process) {
    const { signal } = process;
    const connection = await connect(config, process);
    return await operate({ process, connection, json: config.json }, async () => {
      const { id } = await findDeployment(connection, { word, environment: config.environment }, signal);
      const { status } = await operationClient(connection).stopDeployment({ deploymentId: id }, { signal });
      const name = statusName(status);
      const text = `stopped ${id}: "unkey start ${id}" brings it back\n`;
      printDone(config, process, { json: { id, status: name }, text, id, urls: [] });
      return EXIT.ok;
    });
  },
});
