/** `unkey logs`: the output of the build, then of the app. */
import { defineCommand, EXIT, type ExitCode, type Process } from "../../pkg/cli/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import {
  type Deployment,
  DeploymentService,
  DeploymentStatus,
} from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { calling, connect, type Connection } from "../shared/connect.ts";
import { isActive, statusName } from "../shared/deployment_view.ts";
import { DEPLOYMENT_WORD, findDeployment } from "../shared/find_deployment.ts";
import { printable } from "../shared/output.ts";
import { readBuildLog } from "./build_log.ts";
import { checkLogsConfig, isSearch, LOGS_FIELDS, type LogsConfig, tailOf } from "./config.ts";
import { readInstanceLog } from "../shared/instance_log.ts";
import { stateText } from "../shared/run_view.ts";
import { rangeOf } from "../shared/moment.ts";
import { searchLog } from "./search_log.ts";
import { createPrinter, type Line, lineOfInstance } from "./printer.ts";

/** `unkey logs <deployment or run>` */
export const command = defineCommand({
  outcome: "output",
  fields: LOGS_FIELDS,
  check: checkLogsConfig,
  positionals: [{ name: "deployment", help: `${DEPLOYMENT_WORD} Or a run's id.`, required: true }],
  notes:
    `Output goes to standard output, what is said about it to standard error. The JSON of a line has source, time
(milliseconds since the epoch) and text, and origin (build) or instance, region and stream (instance). With
--search or --level it has deployment, too, level when the line says one, and message and fields when it is JSON.
A search prints the last lines that match, --tail of them, and says how far it looked.
Following the build of a deployment that fails ends by itself; Ctrl-C ends it with ${EXIT.interrupted}.`,
  async run({ config, positionals: [word = ""] }, process): Promise<ExitCode> {
    const connection = await connect(config, process);
    if (!word.startsWith("run_")) return await printTarget(connection, { config, word }, process);
    const target = await calling(connection, () => targetOf(connection, { config, word, process }));
    return target === undefined ? EXIT.ok : await printTarget(connection, target, process);
  },
});

interface Target {
  readonly config: LogsConfig;
  /** A deployment, or a project. */
  readonly word: string;
}

/** The instance of a run; `undefined` for one without any. */
async function targetOf(
  connection: Connection,
  { config, word, process }: Target & { readonly process: Process },
): Promise<Target | undefined> {
  const client = createRpcClient(DeploymentService, connection);
  const { run } = await client.getRun({ runId: word }, { signal: process.signal });
  if (run === undefined) throw publicFault("internal", "The control plane answered without the run.");
  const { instance, region, deploymentId } = run;
  if (instance !== "") return { config: { ...config, instance, region }, word: deploymentId };
  process.stderr(`${run.id} has printed nothing: it is ${stateText(run)}. ${printable(run.message)}\n`);
  return undefined;
}

async function printTarget(
  connection: Connection,
  { config, word }: Target,
  process: Process,
): Promise<ExitCode> {
  const { signal } = process;
  if (isSearch(config)) {
    await calling(connection, () => searchLog(connection, { config, word, process }));
    return EXIT.ok;
  }
  const wanted = { word, environment: config.environment };
  const deployment = await calling(connection, () => findDeployment(connection, wanted, signal));
  if (word !== deployment.id) process.stderr(`${deployment.id}, the newest of ${deployment.projectSlug}\n`);
  try {
    await calling(connection, () => printLogs(connection, { config, deployment, process }));
    return EXIT.ok;
  } catch (error) {
    if (config.follow && signal.aborted) return EXIT.interrupted;
    throw error;
  }
}

interface Job {
  readonly config: LogsConfig;
  readonly deployment: Deployment;
  readonly process: Process;
}

async function printLogs(connection: Connection, { config, deployment, process }: Job): Promise<void> {
  const { signal, clock } = process;
  const { tail, follow, instance, region } = config;
  const source = `${instance}${region}` === "" ? config.source : "instance";
  const client = createRpcClient(DeploymentService, connection);
  const range = rangeOf(config, clock.now());
  const onLine = filtered(config, range, createPrinter(config, process.stdout));
  const onNote = (text: string): void => process.stderr(`${text}\n`);
  const events = { client, clock, signal, tail, onLine, onNote };

  let now = deployment;
  let quoted: readonly Line[] | undefined;
  if (source !== "instance") {
    ({ deployment: now, quoted } = await readBuildLog({ ...events, deployment, follow }));
  }
  if (source === "build") return;
  if (follow) sayHowItEnded(now, onNote);

  let count = 0;
  const [tailMax, startedAtMs] = [tailOf(config), clock.now()];
  let former = 0;
  await readInstanceLog({
    client,
    deploymentId: now.id,
    clock,
    signal,
    tail: tailMax,
    range: { ...range, instance, region },
    // What ended otherwise has no instances that could print.
    follow: follow && (now.status === DeploymentStatus.READY || isActive(now)),
    onLine: (line) => {
      count++;
      if (tail === undefined && Number(line.time) <= startedAtMs && ++former === tailMax) {
        onNote(earlierText(tailMax));
      }
      onLine(lineOfInstance(line));
    },
    onNote,
  });
  if (count > 0 || tail === 0) return;
  quoted ??=
    (await readBuildLog({ ...events, deployment: now, follow: false, onLine: () => undefined })).quoted;
  // A failure names the instance that it quotes, and no region.
  const shown = quoted.filter((line) =>
    region === "" && line.source === "instance" && line.instance.startsWith(instance)
  );
  for (const line of tail === undefined ? shown : shown.slice(-tail)) onLine(line);
}

/** The events of a build have no range of their own. */
function filtered(
  { grep }: LogsConfig,
  { since, until }: { since: number; until: number },
  print: (line: Line) => void,
): (line: Line) => void {
  return (line) => {
    const isInRange = line.time >= since && (until === 0 || line.time < until);
    if (isInRange && (grep === undefined || grep.test(line.text))) print(line);
  };
}

function earlierText(lines: number): string {
  return `Only the last ${lines} lines of the app: earlier ones with --tail, --since or --until.`;
}

function sayHowItEnded({ id, status, errorMessage }: Deployment, onNote: (text: string) => void): void {
  if (errorMessage !== "") onNote(`${id} is ${statusName(status)}: ${printable(errorMessage)}`);
}
