/** `unkey stop`: the instances of a deployment are ended. */
import { defineCommand, EXIT } from "../../pkg/cli/mod.ts";
import type { Deployment } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { confirm, YES_FIELD } from "../shared/confirm.ts";
import { connect, CONNECT_FIELDS } from "../shared/connect.ts";
import { statusName } from "../shared/deployment_view.ts";
import { DEPLOYMENT_WORD, findDeployment } from "../shared/find_deployment.ts";
import {
  AT_ONCE_EXITS,
  exitNotes,
  operate,
  operationClient,
  printDone,
  QUIET_FIELD,
} from "../shared/operation.ts";
import { JSON_FIELD } from "../shared/output.ts";
import { ENVIRONMENT_FILTER_FIELD } from "../shared/project_fields.ts";

/** `unkey stop <deployment>` */
export const command = defineCommand({
  exitCodes: AT_ONCE_EXITS,
  fields: {
    ...CONNECT_FIELDS,
    environment: ENVIRONMENT_FILTER_FIELD,
    yes: YES_FIELD,
    quiet: QUIET_FIELD,
    json: JSON_FIELD,
  },
  positionals: [{ name: "deployment", help: DEPLOYMENT_WORD, required: true }],
  notes:
    `What production serves is not stopped. A preview is, after a question; its host names stay, and "unkey start"
brings it back. "unkey rollback" brings back what served before.

${exitNotes(AT_ONCE_EXITS)}`,
  async run({ config, positionals: [word = ""] }, process) {
    const { signal } = process;
    const connection = await connect(config, process);
    return await operate({ process, connection, json: config.json }, async () => {
      const found = await findDeployment(connection, { word, environment: config.environment }, signal);
      const { id } = found;
      if (servesOthers(found)) {
        await confirm(process, config.yes, { message: question(found), initial: false });
      }
      const confirmed = config.yes || servesOthers(found);
      const { status } = await operationClient(connection).stopDeployment({ deploymentId: id, confirmed }, {
        signal,
      });
      const name = statusName(status);
      const text = `stopped ${id}: "unkey start ${id}" brings it back\n`;
      printDone(config, process, { json: { id, status: name }, text, id, urls: [] });
      return EXIT.ok;
    });
  },
});

/** Names of a branch or an environment lead to it, besides its own; production's refusal is the control plane's. */
function servesOthers({ urls, live, environmentSlug }: Deployment): boolean {
  return live ? environmentSlug !== "production" : urls.length > 1;
}

function question({ id, urls, environmentSlug }: Deployment): string {
  return `Stop ${id} of ${environmentSlug}? ${urls.join(", ")} will not answer then.`;
}
