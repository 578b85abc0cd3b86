/** `unkey stop`: the instances of a deployment, or all of a branch, are ended. */
import { defineCommand, EXIT, type ExitCode, type Process, UsageError } from "../../pkg/cli/mod.ts";
import { type ConfigOf, field, textSchema } from "../../pkg/config/mod.ts";
import type { Deployment } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { confirm, YES_FIELD } from "../shared/confirm.ts";
import { connect, CONNECT_FIELDS, type Connection } from "../shared/connect.ts";
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
import { JSON_FIELD, jsonLine, oneLine } from "../shared/output.ts";
import { ENVIRONMENT_FILTER_FIELD, PROJECT_FIELD, projectOf } from "../shared/project_fields.ts";
import { projectFile } from "../shared/project_file.ts";

const FIELDS = {
  ...CONNECT_FIELDS,
  project: PROJECT_FIELD,
  environment: {
    ...ENVIRONMENT_FILTER_FIELD,
    help:
      "With a project: its newest deployment there. With --branch: that environment, and not all but production.",
  },
  branch: field({
    flag: "branch",
    env: "UNKEY_STOP_BRANCH",
    placeholder: "<name>",
    help: "Everything that was deployed from this branch, because it is gone. No question is asked.",
    schema: textSchema(),
  }),
  yes: YES_FIELD,
  quiet: QUIET_FIELD,
  json: JSON_FIELD,
};

/** `unkey stop <deployment>`, `unkey stop --branch <name>` */
export const command = defineCommand({
  exitCodes: AT_ONCE_EXITS,
  fields: FIELDS,
  positionals: [{ name: "deployment", help: DEPLOYMENT_WORD, required: false }],
  notes:
    `What production serves is not stopped. A preview is, after a question; its host names stay, and "unkey start"
brings it back. "unkey rollback" brings back what served before.

When a branch is deleted, "unkey stop --branch" ends its previews and the deploys that are under way. It may run twice.

${exitNotes(AT_ONCE_EXITS)}`,
  file: (_words, process) => projectFile(process),
  async run({ config, positionals: [word] }, process) {
    const { signal } = process;
    const { branch } = config;
    if ((word === undefined) === (branch === undefined)) {
      throw new UsageError("Name a deployment, or a branch with --branch: one of the two.");
    }
    const connection = await connect(config, process);
    return await operate({ process, connection, json: config.json }, async () => {
      if (word === undefined) return await stopBranch(config, connection, process);
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

async function stopBranch(
  config: ConfigOf<typeof FIELDS>,
  connection: Connection,
  process: Process,
): Promise<ExitCode> {
  const { branch = "", environment: environmentSlug = "" } = config;
  const { signal } = process;
  const { id: projectId, slug: project } = await projectOf(connection, config.project, process);
  const { stoppedDeploymentIds: stopped, cancelledDeploymentIds: cancelled } = await operationClient(
    connection,
  )
    .endBranch({ projectId, branch, environmentSlug }, { signal });
  const lines = [
    ...stopped.map((id) => `stopped ${id}: "unkey start ${id}" brings it back\n`),
    ...cancelled.map((id) => `cancelled ${id}\n`),
  ];
  if (config.json) process.stdout(jsonLine({ project, branch, stopped, cancelled }));
  else if (config.quiet) process.stdout([...stopped, ...cancelled].map((id) => `${id}\n`).join(""));
  else process.stdout(lines.join("") || `Nothing of branch ${oneLine(branch)} runs in ${project}.\n`);
  return EXIT.ok;
}
