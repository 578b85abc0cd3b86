/** Runs as commands show them. */
import { type Run, RunState } from "../../proto/gen/ctrl/v1/run_pb.ts";
import { age, printable, table } from "./output.ts";

/** A run in the output of `--json`. Times are in milliseconds since the epoch. */
export interface RunJson {
  readonly id: string;
  readonly state: string;
  readonly reason?: string;
  readonly message?: string;
  /** Of the command. */
  readonly exitCode?: number;
  readonly project: string;
  readonly environment: string;
  readonly deploymentId: string;
  readonly region: string;
  readonly instance?: string;
  readonly command: readonly string[];
  readonly timeoutSeconds: number;
  readonly lastLogLines: readonly string[];
  readonly createdBy: string;
  /** The cron whose command it is. */
  readonly cron?: string;
  /** The planned time that it runs for; of an entry without a run the last one. */
  readonly plannedAt?: number;
  /** The planned times that an entry without a run stands for. */
  readonly plannedTimes?: number;
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
}

const NAMES: Readonly<Record<RunState, string>> = {
  [RunState.UNSPECIFIED]: "unknown",
  [RunState.STARTING]: "starting",
  [RunState.RUNNING]: "running",
  [RunState.SUCCEEDED]: "succeeded",
  [RunState.FAILED]: "failed",
  [RunState.CANCELLED]: "cancelled",
  [RunState.TIMED_OUT]: "timed_out",
  [RunState.LOST]: "lost",
  [RunState.SKIPPED]: "skipped",
  [RunState.MISSED]: "missed",
  [RunState.REFUSED]: "refused",
};

/** A state that this program does not know is one of a newer control plane. */
export function runStateName(state: RunState): string {
  return NAMES[state] ?? "unknown";
}

export function runJson(run: Run): RunJson {
  const { reason, message, exitCode, instance, startedAt, endedAt, cron, plannedAt, plannedTimes } = run;
  return {
    id: run.id,
    state: runStateName(run.state),
    ...(reason === "" ? {} : { reason }),
    ...(message === "" ? {} : { message }),
    ...(exitCode === undefined ? {} : { exitCode }),
    project: run.projectSlug,
    environment: run.environmentSlug,
    deploymentId: run.deploymentId,
    region: run.region,
    ...(instance === "" ? {} : { instance }),
    command: run.command,
    timeoutSeconds: run.timeoutSeconds,
    lastLogLines: run.lastLogLines,
    createdBy: run.createdBy,
    ...(cron === "" ? {} : { cron }),
    ...(plannedAt === 0n ? {} : { plannedAt: Number(plannedAt) }),
    ...(plannedTimes === 0 ? {} : { plannedTimes }),
    createdAt: Number(run.createdAt),
    ...(startedAt === 0n ? {} : { startedAt: Number(startedAt) }),
    ...(endedAt === 0n ? {} : { endedAt: Number(endedAt) }),
  };
}

const COMMAND_CHARACTERS_MAX = 60;

/** The words as a shell would take them, cut where they are long. */
export function commandText(command: readonly string[]): string {
  const text = command.map((word) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${printable(word)}'`).join(" ");
  return text.length <= COMMAND_CHARACTERS_MAX ? text : `${text.slice(0, COMMAND_CHARACTERS_MAX)}…`;
}

export function runsTable(runs: readonly Run[], nowMs: number): string {
  return table(
    ["ID", "PROJECT", "ENV", "CRON", "DEPLOYMENT", "STATE", "EXIT", "AGE", "TOOK", "COMMAND"],
    runs.map((run) => [
      run.id,
      run.projectSlug,
      run.environmentSlug,
      run.cron,
      run.deploymentId,
      stateText(run),
      run.exitCode === undefined ? "" : String(run.exitCode),
      age(Number(run.createdAt), nowMs),
      tookText(run, nowMs),
      commandText(run.command),
    ]),
  );
}

/** Planned times in a row without a run are one line. */
export function stateText({ state, plannedTimes }: Run): string {
  return plannedTimes > 1 ? `${runStateName(state)} (${plannedTimes} times)` : runStateName(state);
}

function tookText({ startedAt, endedAt }: Run, nowMs: number): string {
  return startedAt === 0n ? "" : age(Number(startedAt), endedAt === 0n ? nowMs : Number(endedAt));
}
