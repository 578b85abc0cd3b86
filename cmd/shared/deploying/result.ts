import { type ExitCode, type Failure, type FailureJson, failureJson } from "../../../pkg/cli/mod.ts";
import type { ReceiptJson } from "../switch_receipt.ts";
import { phaseOf } from "./exit_codes.ts";

/** Times of the phases in milliseconds; a phase that did not happen is absent. */
export interface Timings {
  packMs?: number;
  uploadMs?: number;
  createMs?: number;
  buildMs?: number;
  deployMs?: number;
  totalMs?: number;
}

/** A problem that ended nothing. */
export interface DeployWarning {
  /** For programs; stable. */
  readonly code: string;
  readonly message: string;
  readonly paths: readonly string[];
}

/** A failure; its code is for programs, and stable. */
export interface DeployError extends FailureJson {
  /** The phase that the exit code stands for. */
  readonly phase: string;
}

/** The output of `--json`, printed exactly once, also for a failure. */
export interface DeployResult {
  /** `null` when no deployment was created. */
  readonly id: string | null;
  readonly status: string;
  readonly urls: readonly string[];
  /** The deployment whose image was used again instead of a build. */
  readonly imageSourceDeploymentId?: string;
  /** The deployment that serves the environment instead of one that did not get ready. */
  readonly live?: { readonly id: string; readonly urls: readonly string[] };
  /** Of a deployment that took its environment's traffic; absent where the control plane keeps none. */
  readonly receipt?: ReceiptJson;
  readonly environment: string;
  readonly project: string | null;
  readonly timings: Timings;
  readonly warnings: readonly DeployWarning[];
  readonly error?: DeployError;
  readonly exitCode: ExitCode;
}

/** The members of `DeployResult` when the command line itself is wrong, so that programs always find them. */
export const NOTHING_DONE = {
  id: null,
  status: "failed",
  urls: [],
  environment: null,
  project: null,
  timings: {},
  warnings: [],
};

/** The part of the result that depends on how the deploy ended. */
export type End = Pick<
  DeployResult,
  "status" | "urls" | "imageSourceDeploymentId" | "live" | "receipt" | "exitCode" | "error"
>;

/** An end that is not a ready deployment. */
export function endedWith(status: string, failure: Failure): End {
  const { exitCode } = failure;
  return { status, urls: [], error: { ...failureJson(failure), phase: phaseOf(exitCode) }, exitCode };
}

/** A failure that has a code of its own, finer than a fault's. */
export class DeployFailure extends Error {
  override readonly name = "DeployFailure";
  readonly code: string;

  constructor(code: string, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}
