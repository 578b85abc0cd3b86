/** `unkey rollback`: live traffic goes back to a deployment that served before. */
import { defineCommand, EXIT, type ExitCode, type Process } from "../../pkg/cli/mod.ts";
import { type ConfigOf, textSchema } from "../../pkg/config/mod.ts";
import { type Switch, SwitchPath } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { confirm, YES_FIELD } from "../shared/confirm.ts";
import { connect, CONNECT_FIELDS, type Connection } from "../shared/connect.ts";
import {
  exitNotes,
  operate,
  OPERATION_EXITS,
  OPERATION_TIMEOUT_FIELD,
  operationClient,
  QUIET_FIELD,
} from "../shared/operation.ts";
import { tellingWaits } from "../shared/tell_waits.ts";
import { withinTime } from "../shared/time_limit.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";
import { ENVIRONMENT_FILTER_FIELD, PROJECT_FIELD, projectOf } from "../shared/project_fields.ts";
import { projectFile } from "../shared/project_file.ts";
import {
  existingSwitch,
  placeOf,
  PLAN_FIELD,
  planText,
  printSwitch,
  receiptOf,
  switchJson,
} from "../shared/switch_view.ts";

const FIELDS = {
  ...CONNECT_FIELDS,
  project: PROJECT_FIELD,
  environment: {
    ...ENVIRONMENT_FILTER_FIELD,
    help: "Environment to roll back.",
    schema: textSchema("production"),
  },
  plan: PLAN_FIELD,
  timeoutMs: OPERATION_TIMEOUT_FIELD,
  yes: YES_FIELD,
  quiet: QUIET_FIELD,
  json: JSON_FIELD,
};
type Config = ConfigOf<typeof FIELDS>;

/** `unkey rollback [deployment]` */
export const command = defineCommand({
  exitCodes: OPERATION_EXITS,
  fields: FIELDS,
  file: (_words, process) => projectFile(process),
  positionals: [{
    name: "deployment",
    help:
      "Deployment to go back to, of any age as long as its image is kept. Default: the one that was live before.",
    required: false,
  }],
  notes:
    `All host names of the environment move at once. While it is rolled back new deployments become ready and do not
go live: "unkey promote <deployment>" ends that, also with the one that is live.

A deployment that is still running takes over at once; one that was stopped is started first.

${exitNotes(OPERATION_EXITS)}`,
  async run({ config, positionals: [word] }, process) {
    const connection = await connect(config, process);
    return await operate(
      { process, connection, json: config.json },
      () => run(connection, config, process, word),
    );
  },
});

async function run(
  connection: Connection,
  config: Config,
  process: Process,
  word: string | undefined,
): Promise<ExitCode> {
  const { clock, signal, stdout, stderr } = process;
  const client = operationClient(connection);
  const request = word === undefined
    ? {
      projectId: (await projectOf(connection, config.project, process)).id,
      environmentSlug: config.environment,
    }
    : { targetDeploymentId: word };
  const plan = existingSwitch((await client.planRollback(request, { signal })).plan);
  if (config.plan) {
    stdout(config.json ? jsonLine({ plan: switchJson(plan) }) : planText("roll back", plan));
    return EXIT.ok;
  }
  await confirm(process, config.yes, { message: question(plan), initial: true });
  if (!config.json && !config.quiet && plan.path !== SwitchPath.INSTANT) stderr(waiting(plan));
  // By name: asking for "the one before" twice would go back two steps.
  const named = { sourceDeploymentId: plan.fromDeploymentId, targetDeploymentId: plan.toDeploymentId };
  const { switched } = await withinTime(
    { clock, signal, limitMs: config.timeoutMs },
    (signal) =>
      tellingWaits(
        { ...config, process, connection, id: plan.toDeploymentId },
        signal,
        (signal) => client.rollback(named, { signal }),
      ),
  );
  const done = existingSwitch(switched);
  const receipt = await receiptOf(client, done, config, process);
  printSwitch("rolled back", done, { ...config, receipt }, process);
  return EXIT.ok;
}

function question(plan: Switch): string {
  return `Roll back ${placeOf(plan)} from ${plan.fromDeploymentId} to ${plan.toDeploymentId}?`;
}

function waiting({ path, toDeploymentId }: Switch): string {
  const why = path === SwitchPath.COLD
    ? "is stopped: starting it"
    : "has no running instance: waiting for one";
  return `${toDeploymentId} ${why}, then traffic moves.\n`;
}
