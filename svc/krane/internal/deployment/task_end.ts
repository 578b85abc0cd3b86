/** The report of a task whose command has ended: the same in every runtime. Pure. */
import type { Instance } from "../runtime/port.ts";

/** The facts about the end of a task's only run. */
export interface TaskEnd {
  readonly exitCode: number;
  readonly isOutOfMemory: boolean;
  /** It ran for as long as it may. */
  readonly isTimedOut: boolean;
  readonly memoryMib: number;
  readonly lines: readonly string[];
}

/** The part of an instance that says so. */
export type TaskPart = Pick<Instance, "status" | "reason" | "message" | "exitCode" | "lastLogLines">;

const LINES_MAX = 20;

/** An exit code of 0 without a reason is a success. */
export function taskEnd({ exitCode, isOutOfMemory, isTimedOut, memoryMib, lines }: TaskEnd): TaskPart {
  const part = { status: "ended", exitCode, lastLogLines: lines.slice(-LINES_MAX) } as const;
  if (isOutOfMemory) {
    const message = `The command was killed because it used more than its ${memoryMib} MiB of memory.`;
    return { ...part, reason: "oom_killed", message };
  }
  if (isTimedOut) {
    return { ...part, reason: "timed_out", message: "The command was stopped at its time limit." };
  }
  return { ...part, reason: "", message: `The command ended with exit code ${exitCode}.` };
}
