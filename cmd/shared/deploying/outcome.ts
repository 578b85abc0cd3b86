import { EXIT, type Failure, type Process, toFailure } from "../../../pkg/cli/mod.ts";
import { requestIdOf } from "../../../pkg/fault/mod.ts";
import { explainCallError } from "../connect.ts";
import { exitCodeOfFailure } from "./exit_codes.ts";
import { leftRunning } from "./interrupt.ts";
import { ClientTrace } from "./client_trace.ts";
import {
  DeployFailure,
  type DeployResult,
  type DeployWarning,
  type End,
  endedWith,
  type Timings,
} from "./result.ts";

/** The end of a deploy that is not followed. */
export const CREATED: End = { status: "pending", urls: [], exitCode: EXIT.ok };

/** The facts about one deploy, filled in as they become known: every end is a result with all of them. */
export class DeployOutcome {
  /** Each phase writes its own time, so that a failure in a later phase keeps it. */
  readonly timings: Timings = {};
  readonly warnings: DeployWarning[] = [];
  readonly trace: ClientTrace;
  /** Of the control plane; for the advice in a failure. */
  baseUrl = "";
  project: string | null = null;
  environment: string;
  deploymentId: string | null = null;
  readonly #process: Pick<Process, "clock" | "signal">;
  readonly #begunMs: number;

  constructor(environment: string, process: Pick<Process, "clock" | "env" | "signal" | "startedAtMs">) {
    this.trace = new ClientTrace(process);
    this.environment = environment;
    this.#process = process;
    this.#begunMs = process.clock.now();
  }

  ended(end: End): DeployResult {
    this.timings.totalMs = this.#process.clock.now() - this.#begunMs;
    return {
      id: this.deploymentId,
      ...end,
      environment: this.environment,
      project: this.project,
      timings: this.timings,
      warnings: this.warnings,
    };
  }

  /** A deployment that was created goes on without this process, and the result says so. */
  failed(error: unknown): DeployResult {
    const id = this.deploymentId;
    if (this.#process.signal.aborted) return this.ended(id === null ? NOT_CREATED : leftRunning(id));
    const failure = explain(error, this.baseUrl);
    if (id === null) return this.ended(endedWith("failed", failure));
    const message = `${failure.message} The deployment may go on: "unkey attach ${id}" follows it.`;
    return this.ended(endedWith("running", { ...failure, message }));
  }
}

const NOT_CREATED = endedWith("failed", {
  code: "interrupted",
  message: "Interrupted before a deployment was created.",
  exitCode: EXIT.interrupted,
});

function explain(error: unknown, baseUrl: string): Failure {
  if (!(error instanceof DeployFailure)) return toFailure(explainCallError(error, baseUrl));
  const { code, message } = error;
  return { code, message, exitCode: exitCodeOfFailure(code, EXIT.failed), requestId: requestIdOf(error) };
}
