import type { ExitCode } from "../../pkg/cli/mod.ts";

/** How long each phase took, in milliseconds; phases that did not happen are absent, but for the total. */
export interface Timings {
  packMs?: number;
  uploadMs?: number;
  createMs?: number;
  buildMs?: number;
  deployMs?: number;
  totalMs?: number;
}

/** What `--json` prints, exactly once, however the deploy ends. */
export interface DeployResult {
  readonly id: string | undefined;
  readonly status: string;
  readonly urls: readonly string[];
  readonly environment: string;
  readonly project: string | undefined;
  readonly timings: Timings;
  readonly error?: { readonly code: string; readonly message: string };
  readonly exitCode: ExitCode;
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
