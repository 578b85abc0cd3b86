/** A run to its end, with its output. */
import type { Client } from "@connectrpc/connect";
import type { Process } from "../../pkg/cli/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import type { DeploymentService, InstanceLogLine } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { type Run, RunState } from "../../proto/gen/ctrl/v1/run_pb.ts";
import { readInstanceLog, TAIL_MAX } from "../shared/instance_log.ts";
import { retryWhileUnavailable } from "../shared/retry_while_unavailable.ts";
import { OutputTail } from "./output_tail.ts";

export interface FollowRunOptions {
  readonly client: Client<typeof DeploymentService>;
  readonly process: Pick<Process, "clock" | "signal">;
  readonly onLine: (line: InstanceLogLine) => void;
  readonly onNote: (text: string) => void;
}

const POLL_MS = 400;
/** Output that has not come so long after the end is taken to be lost. */
const OUTPUT_MS_MAX = 15_000;
const OUTPUT_POLL_MS = 50;

/** Follows a run, and returns it as it ended. @throws what no waiting mends, and the abort of `signal` */
export async function followRun(
  { client, process, onLine, onNote }: FollowRunOptions,
  begun: Run,
): Promise<Run> {
  const { clock, signal } = process;
  const tail = new OutputTail();
  const done = new AbortController();
  let output: Promise<void> | undefined;
  const read = ({ deploymentId, instance, region }: Run): Promise<void> =>
    readInstanceLog({
      client,
      deploymentId,
      clock,
      signal: AbortSignal.any([signal, done.signal]),
      tail: TAIL_MAX,
      range: { since: 0, until: 0, instance, region },
      follow: true,
      onLine: (line) => {
        tail.take(line.text, clock.now());
        onLine(line);
      },
      onNote,
    }).catch((error: unknown) => {
      if (!done.signal.aborted && !signal.aborted) onNote(`Its output cannot be read: ${String(error)}`);
    });
  try {
    let run = begun;
    for (;;) {
      if (output === undefined && run.instance !== "") output = read(run);
      if (isOver(run)) break;
      await clock.sleep(POLL_MS, signal);
      run = await look(client, process, run.id);
    }
    if (output !== undefined && !await hasCome(tail, run, process)) {
      onNote(
        `Some of its output may be missing: "unkey logs ${run.deploymentId} --instance ${run.instance}"`,
      );
    }
    return run;
  } finally {
    done.abort();
    await output;
  }
}

/** True for a run that nothing changes any more. */
export function isOver({ state }: Run): boolean {
  return state !== RunState.STARTING && state !== RunState.RUNNING;
}

async function look(
  client: Client<typeof DeploymentService>,
  process: Pick<Process, "clock" | "signal">,
  runId: string,
): Promise<Run> {
  const { run } = await retryWhileUnavailable(
    process,
    () => client.getRun({ runId }, { signal: process.signal }),
  );
  return existing(run);
}

/** @throws `internal` where the control plane answers without the run */
export function existing(run: Run | undefined): Run {
  if (run === undefined) throw publicFault("internal", "The control plane answered without the run.");
  return run;
}

async function hasCome(
  tail: OutputTail,
  { lastLogLines, startedAt }: Run,
  { clock, signal }: Pick<Process, "clock" | "signal">,
): Promise<boolean> {
  if (startedAt === 0n) return true;
  const untilMs = clock.now() + OUTPUT_MS_MAX;
  while (!tail.hasAll(lastLogLines, clock.now())) {
    if (clock.now() >= untilMs) return false;
    await clock.sleep(OUTPUT_POLL_MS, signal);
  }
  return true;
}
