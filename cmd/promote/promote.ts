/** `unkey promote`: a deployment takes the live traffic of its environment. */
import { defineCommand, EXIT, type ExitCode, type ExitMeaning, type Process } from "../../pkg/cli/mod.ts";
import { type ConfigOf } from "../../pkg/config/mod.ts";
import { SwitchPath } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { confirm, YES_FIELD } from "../shared/confirm.ts";
import { connect, CONNECT_FIELDS, type Connection } from "../shared/connect.ts";
import { DEPLOYMENT_WORD, findDeployment } from "../shared/find_deployment.ts";
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
import {
  existingSwitch,
  placeOf,
  PLAN_FIELD,
  planText,
  printSwitch,
  receiptOf,
  switchJson,
} from "../shared/switch_view.ts";
import { ENVIRONMENT_FILTER_FIELD } from "../shared/project_fields.ts";
import { actOnGradual, NOT_COMPLETED, promoteGradually } from "./gradual.ts";
import { checkGradual, GRADUAL_FIELDS } from "./gradual_fields.ts";

const FIELDS = {
  ...CONNECT_FIELDS,
  environment: ENVIRONMENT_FILTER_FIELD,
  plan: PLAN_FIELD,
  ...GRADUAL_FIELDS,
  timeoutMs: OPERATION_TIMEOUT_FIELD,
  yes: YES_FIELD,
  quiet: QUIET_FIELD,
  json: JSON_FIELD,
};
type Config = ConfigOf<typeof FIELDS>;

const EXITS: readonly ExitMeaning[] = OPERATION_EXITS.flatMap((each) =>
  each.code === EXIT.unreachable
    ? [each, {
      code: NOT_COMPLETED,
      means: "the gradual switch was aborted, ended by hand or replaced: the deployment is not live",
    }]
    : [each]
);

/** `unkey promote <deployment>` */
export const command = defineCommand({
  exitCodes: EXITS,
  fields: FIELDS,
  positionals: [{ name: "deployment", help: DEPLOYMENT_WORD, required: true }],
  notes:
    `The deployment takes over in its own environment; none moves from one environment to another. It also ends a
rollback: new deployments go live again. Of the one that is live already, that is all it does.

With --gradual the requests move in steps. The edges compare the deployment with the live one over the same time: when it
fails more requests, or its p95 is much longer, all requests go back by themselves, and the message has the numbers.
A promote, a rollback or a deploy in between wins at once and ends it.

${exitNotes(EXITS)}`,
  async run({ config, positionals: [word = ""] }, process) {
    checkGradual(config);
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
  word: string,
): Promise<ExitCode> {
  const { clock, signal, stdout, stderr } = process;
  const client = operationClient(connection);
  const deployment = await findDeployment(connection, { word, environment: config.environment }, signal);
  const { id } = deployment;
  if (config.next || config.abort) {
    const { projectId, environmentSlug } = deployment;
    const order = { projectId, environmentSlug, act: config.next ? "next" : "abort" } as const;
    return await actOnGradual(client, order, config, process);
  }
  if (config.gradual) return await promoteGradually(client, id, config, process);
  const plan = existingSwitch((await client.planPromote({ targetDeploymentId: id }, { signal })).plan);
  if (config.plan) {
    stdout(config.json ? jsonLine({ plan: switchJson(plan) }) : planText("promote", plan));
    return EXIT.ok;
  }
  await confirm(process, config.yes, { message: `Promote ${id} in ${placeOf(plan)}?`, initial: true });
  if (!config.json && !config.quiet && plan.path !== SwitchPath.INSTANT) {
    stderr(`${id} does not run at the moment: it is started, then traffic moves.\n`);
  }
  const { switched } = await withinTime(
    { clock, signal, limitMs: config.timeoutMs },
    (signal) =>
      tellingWaits(
        { ...config, process, connection, id },
        signal,
        (signal) => client.promote({ targetDeploymentId: id }, { signal }),
      ),
  );
  const done = existingSwitch(switched);
  const receipt = await receiptOf(client, done, config, process);
  printSwitch("promoted", done, { ...config, receipt }, process);
  return EXIT.ok;
}
