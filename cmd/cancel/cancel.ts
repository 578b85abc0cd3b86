/** `unkey cancel`: stops and undoes a deployment that is under way, and rolls a live one back; or ends a run. */
import { defineCommand, EXIT, type ExitCode, type Process } from "../../pkg/cli/mod.ts";
import { type ConfigOf } from "../../pkg/config/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { type Deployment, DeploymentStatus } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { RunState } from "../../proto/gen/ctrl/v1/run_pb.ts";
import { follow } from "../shared/deploying/follow.ts";
import { timeoutField } from "../shared/deploying/follow_fields.ts";
import { confirm, YES_FIELD } from "../shared/confirm.ts";
import { connect, CONNECT_FIELDS, type Connection } from "../shared/connect.ts";
import { isActive, statusName } from "../shared/deployment_view.ts";
import { DEPLOYMENT_WORD, findDeployment } from "../shared/find_deployment.ts";
import {
  exitNotes,
  operate,
  OPERATION_EXITS,
  operationClient,
  printDone,
  QUIET_FIELD,
} from "../shared/operation.ts";
import { JSON_FIELD } from "../shared/output.ts";
import { runStateName } from "../shared/run_view.ts";
import { withinTime } from "../shared/time_limit.ts";
import { switchJson, switchText } from "../shared/switch_view.ts";
import { ENVIRONMENT_FILTER_FIELD } from "../shared/project_fields.ts";

const FIELDS = {
  ...CONNECT_FIELDS,
  environment: ENVIRONMENT_FILTER_FIELD,
  timeoutMs: timeoutField({
    fallback: "1m",
    help: "How long to wait, e.g. 90s, 30m or 1h30m. The undoing goes on after that.",
  }),
  yes: YES_FIELD,
  quiet: QUIET_FIELD,
  json: JSON_FIELD,
};
type Config = ConfigOf<typeof FIELDS>;

/** `unkey cancel <deployment or run>` */
export const command = defineCommand({
  exitCodes: OPERATION_EXITS,
  fields: FIELDS,
  positionals: [{ name: "deployment", help: `${DEPLOYMENT_WORD} Or a run's id.`, required: true }],
  notes:
    `What the deployment had created is taken back, and the previous version keeps serving. Once it is live, its
traffic goes back to what was live before, which is a rollback. A run's process gets its stop signal, and is killed
after its time to stop.

${exitNotes(OPERATION_EXITS)}`,
  async run({ config, positionals: [word = ""] }, process) {
    const connection = await connect(config, process);
    return await operate(
      { process, connection, json: config.json },
      () =>
        word.startsWith("run_")
          ? cancelRun(connection, config, process, word)
          : run(connection, config, process, word),
    );
  },
});

async function run(
  connection: Connection,
  config: Config,
  process: Process,
  word: string,
): Promise<ExitCode> {
  const { signal } = process;
  const client = operationClient(connection);
  const found = await findDeployment(connection, { word, environment: config.environment }, signal);
  const { id: deploymentId, live, status } = found;
  if (live && status === DeploymentStatus.READY) {
    const message = `${deploymentId} is live. Give its traffic back to what was live before?`;
    await confirm(process, config.yes, { message, initial: true });
  }
  // One that turns live while it is being cancelled is rolled back by the second call.
  for (let round = 1; round <= 2; round++) {
    const { rolledBack } = await client.cancelDeployment({ deploymentId }, { signal });
    if (rolledBack !== undefined) {
      const json = { id: deploymentId, status: "ready", rolledBack: switchJson(rolledBack) };
      printDone(config, process, {
        json,
        text: switchText("rolled back", rolledBack),
        id: deploymentId,
        urls: [],
      });
      return EXIT.ok;
    }
    const ended = isActive(found) ? await untilEnded(connection, deploymentId, config, process) : found;
    if (ended.status === DeploymentStatus.READY && ended.live) continue;
    const name = statusName(ended.status);
    const json = { id: deploymentId, status: name };
    printDone(config, process, { json, text: sentence(found, ended), id: deploymentId, urls: [] });
    return EXIT.ok;
  }
  throw publicFault("unavailable", `${deploymentId} is live and could not be rolled back. Try again.`);
}

async function cancelRun(
  connection: Connection,
  config: Config,
  process: Process,
  runId: string,
): Promise<ExitCode> {
  const client = operationClient(connection);
  const { run: found } = await client.getRun({ runId }, { signal: process.signal });
  const { run } = await client.cancelRun({ runId }, { signal: process.signal });
  const before = found?.state ?? RunState.UNSPECIFIED;
  const name = runStateName(run?.state ?? before);
  const isOver = before !== RunState.STARTING && before !== RunState.RUNNING;
  const text = isOver ? `${runId} is ${name} already: nothing to cancel\n` : `cancelled ${runId}\n`;
  printDone(config, process, { json: { id: runId, status: name }, text, id: runId, urls: [] });
  return EXIT.ok;
}

function sentence(before: Deployment, { id, status }: Deployment): string {
  const name = statusName(status);
  if (!isActive(before)) return `${id} is ${name} already: nothing to cancel\n`;
  if (status === DeploymentStatus.CANCELLED) return `cancelled ${id}: what it had created is gone\n`;
  if (status === DeploymentStatus.STOPPED) return `cancelled the start of ${id}: it is stopped, as before\n`;
  return `${id} ended as ${name} before the cancel reached it\n`;
}

/** @throws `WaitOver` after the time of `--timeout` */
async function untilEnded(
  connection: Connection,
  deploymentId: string,
  { timeoutMs: limitMs }: Config,
  { clock, signal }: Process,
): Promise<Deployment> {
  const client = operationClient(connection);
  const ignore = (): void => undefined;
  return await withinTime(
    { clock, signal, limitMs },
    (signal) => follow({ client, deploymentId, clock, signal, onEvent: ignore, onTrouble: ignore }),
  );
}
