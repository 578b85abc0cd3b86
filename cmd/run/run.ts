/** `unkey run`: a command runs once in a deployment's image, with its variables. */
import {
  defineCommand,
  EXIT,
  type ExitCode,
  type ExitMeaning,
  printFailure,
  type Process,
  toFailure,
  UsageError,
} from "../../pkg/cli/mod.ts";
import { type ConfigOf, field, switchField, textSchema } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { newSecretToken } from "../../pkg/uid/mod.ts";
import { DeploymentService, type InstanceLogLine } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { type Run, RunState } from "../../proto/gen/ctrl/v1/run_pb.ts";
import { optionalDurationField } from "../shared/duration_field.ts";
import { connect, CONNECT_FIELDS, type Connection, explainCallError } from "../shared/connect.ts";
import { JSON_FIELD, jsonLine, printable } from "../shared/output.ts";
import { ENVIRONMENT_FIELD, PROJECT_FIELD, projectOf } from "../shared/project_fields.ts";
import { projectFile } from "../shared/project_file.ts";
import { retryWhileUnavailable } from "../shared/retry_while_unavailable.ts";
import { commandText, runJson } from "../shared/run_view.ts";
import { existing, followRun } from "./follow_run.ts";

/** Exit codes that are not the command's own. */
export const RUN_EXIT = { timedOut: 124, notRun: 125 } as const;

/** Codes of this program; all others, and these too where the command ends with them, are the command's. */
export const RUN_EXITS: readonly ExitMeaning[] = [
  { code: EXIT.ok, means: "the command ended with 0, or --detach: it was asked for" },
  { code: EXIT.failed, means: "the command's own, as are all codes that are not here" },
  { code: EXIT.usage, means: "wrong usage or settings, before anything ran" },
  { code: RUN_EXIT.timedOut, means: "the command was stopped at its time limit" },
  { code: RUN_EXIT.notRun, means: "it did not run, or its end is not known; the message says why" },
  { code: EXIT.interrupted, means: "Ctrl-C, or it was cancelled" },
];

const FIELDS = {
  ...CONNECT_FIELDS,
  project: PROJECT_FIELD,
  environment: { ...ENVIRONMENT_FIELD, help: "The environment, whose live deployment runs it." },
  deployment: field({
    flag: "deployment",
    env: "UNKEY_RUN_DEPLOYMENT",
    placeholder: "<id>",
    help: "The deployment that runs it. Default: the live one of the environment.",
    schema: textSchema(),
  }),
  cron: field({
    flag: "cron",
    env: "UNKEY_RUN_CRON",
    placeholder: "<name>",
    help: "Run the command of this cron of the environment now, in place of a command here.",
    schema: textSchema(),
  }),
  region: field({
    flag: "region",
    env: "UNKEY_RUN_REGION",
    placeholder: "<name>",
    help: "The region that runs it. Default: the first of the deployment's that has an agent.",
    schema: textSchema(),
  }),
  timeoutMs: optionalDurationField(24 * 3_600_000, {
    flag: "timeout",
    env: "UNKEY_RUN_TIMEOUT",
    help: "It is stopped when it has run for so long, e.g. 90s, 30m or 12h. Default: 1h.",
  }),
  idempotencyKey: field({
    flag: "idempotency-key",
    env: "UNKEY_RUN_IDEMPOTENCY_KEY",
    placeholder: "<text>",
    help: "A second call with the same key follows the run of the first. Default: each call makes a run.",
    schema: textSchema(),
  }),
  detach: switchField({
    flag: "detach",
    env: "UNKEY_RUN_DETACH",
    help: "Print the run's id and end. It goes on.",
  }),
  quiet: switchField({ flag: "quiet", env: "UNKEY_QUIET", help: "Of messages print only errors." }),
  json: {
    ...JSON_FIELD,
    help: "Text, or one JSON object with the run; what the command prints goes to standard error then.",
  },
};
type Config = ConfigOf<typeof FIELDS>;

const INTERRUPTED = {
  code: "interrupted",
  message: 'Interrupted. "unkey list runs" shows a run that was made meanwhile.',
  exitCode: EXIT.interrupted,
};

/** `unkey run -- <command>` */
export const command = defineCommand({
  exitCodes: RUN_EXITS,
  fields: FIELDS,
  positionals: [{
    name: "command",
    help: "The command and its arguments, behind --; not with --cron.",
    required: false,
    repeated: true,
  }],
  notes:
    `The command takes the place of the image's own. It runs beside the instances, in a container of its own with the
deployment's image, variables, size and network, and is never run twice.

  unkey run --project shop --env preview -- npm run seed
  unkey run --deployment d_1 -- sh -c 'env | sort'
  unkey run --env production --cron cleanup

Ctrl-C cancels it, a second Ctrl-C does not wait for that. A terminal that goes away ends nothing: "unkey list runs"
shows it, "unkey cancel <run>" ends it. It ends with its deployment.

The exit code is the command's, but for those that "docker run" and "timeout" have, too:
${RUN_EXITS.map(({ code, means }) => `  ${String(code).padEnd(3)}  ${means}`).join("\n")}`,
  file: (_words, process) => projectFile(process),
  async run({ config, positionals }, process): Promise<ExitCode> {
    const words = positionals.filter((word) => word !== undefined);
    checkWords(config, words);
    let connection: Connection | undefined;
    try {
      connection = await connect(config, process);
      return await runCommand(connection, config, process, words);
    } catch (error) {
      if (process.signal.aborted) return printFailure(INTERRUPTED, process, config.json ? {} : undefined);
      const failure = toFailure(
        connection === undefined ? error : explainCallError(error, connection.baseUrl),
      );
      return printFailure({ ...failure, exitCode: RUN_EXIT.notRun }, process, config.json ? {} : undefined);
    }
  },
});

/** @throws `UsageError` for neither or both */
function checkWords({ cron, deployment, timeoutMs }: Config, words: readonly string[]): void {
  if (cron === undefined) {
    if (words.length === 0) {
      throw new UsageError('The command is missing: "unkey run -- <command>", or "unkey run --cron <name>".');
    }
    return;
  }
  if (words.length === 0 && deployment === undefined && timeoutMs === undefined) return;
  throw new UsageError(
    "--cron names a command with a deployment and a time limit of its own: leave out the command, --deployment and --timeout.",
  );
}

async function runCommand(
  connection: Connection,
  config: Config,
  process: Process,
  words: readonly string[],
): Promise<ExitCode> {
  const { signal, stdout, stderr } = process;
  const client = createRpcClient(DeploymentService, connection);
  const note = (text: string): void => config.quiet ? undefined : stderr(`${text}\n`);
  const { deployment: deploymentId = "", region = "", environment: environmentSlug, cron = "" } = config;
  const place = deploymentId === ""
    ? { projectId: (await projectOf(connection, config.project, process)).id, environmentSlug }
    : { deploymentId };
  const request = {
    ...place,
    region,
    command: [...words],
    cron,
    timeoutSeconds: Math.round((config.timeoutMs ?? 0) / 1_000),
    // A create that got no answer is repeated.
    idempotencyKey: config.idempotencyKey ?? newSecretToken("run"),
  };
  // Ctrl-C does not break off a call that is under way, or it would be unknown if there is a run.
  const { run: created } = await retryWhileUnavailable(process, () => client.createRun(request));
  const begun = existing(created);
  if (config.detach) {
    stdout(config.json ? jsonLine(runJson(begun)) : `${begun.id}\n`);
    return EXIT.ok;
  }
  note(
    `${begun.id}: ${
      commandText(begun.command)
    } in ${begun.deploymentId} (${begun.environmentSlug}, ${begun.region})`,
  );
  let run: Run;
  try {
    run = await followRun({ client, process, onNote: note, onLine: printer(process, config.json) }, begun);
  } catch (error) {
    if (!signal.aborted) throw error;
    note(`Cancelling ${begun.id}.`);
    run = existing((await client.cancelRun({ runId: begun.id })).run);
  }
  const exitCode = exitCodeOf(run);
  // As in all JSON, the code is the one with which the program ends.
  if (config.json) stdout(jsonLine({ ...runJson(run), exitCode }));
  if (exitCode !== EXIT.ok) note(`${run.id}: ${printable(run.message)}`);
  return exitCode;
}

/** Output goes where the command sent it; a terminal gets no control characters. */
function printer({ stdout, stderr, terminal }: Process, isData: boolean): (line: InstanceLogLine) => void {
  return ({ stream, text }) => {
    const isError = isData || stream === "stderr";
    const isTerminal = isError ? terminal.stderr : terminal.stdout;
    (isError ? stderr : stdout)(`${isTerminal ? printable(text) : text}\n`);
  };
}

function exitCodeOf({ state, exitCode }: Run): ExitCode {
  switch (state) {
    case RunState.SUCCEEDED:
      return EXIT.ok;
    case RunState.FAILED:
      return exitCode ?? RUN_EXIT.notRun;
    case RunState.CANCELLED:
      return EXIT.interrupted;
    case RunState.TIMED_OUT:
      return RUN_EXIT.timedOut;
    default:
      return RUN_EXIT.notRun;
  }
}
