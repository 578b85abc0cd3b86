import { EXIT, type ExitCode } from "../../pkg/cli/mod.ts";

/** What `unkey deploy` answers with beyond the codes that all commands share: one per phase that can fail. */
export const DEPLOY_EXIT = {
  context: 10,
  upload: 11,
  build: 12,
  start: 13,
  network: 14,
  cancelled: 15,
  superseded: 16,
  running: 17,
} as const;

/** The codes as `--help` shows them. */
export const EXIT_NOTES = `Exit codes:
  ${EXIT.ok}    the deployment is ready
  ${EXIT.failed}    something else failed
  ${EXIT.usage}    wrong usage or settings
  ${EXIT.auth}    not logged in, or not allowed
  ${DEPLOY_EXIT.context}   the folder cannot be packed
  ${DEPLOY_EXIT.upload}   the upload failed
  ${DEPLOY_EXIT.build}   the build failed
  ${DEPLOY_EXIT.start}   the app did not start or did not get healthy
  ${DEPLOY_EXIT.network}   its host names could not be switched to it
  ${DEPLOY_EXIT.cancelled}   the deployment was cancelled
  ${DEPLOY_EXIT.superseded}   a newer deployment took its place
  ${DEPLOY_EXIT.running}   it still runs: the wait ended before it did
  ${EXIT.unreachable}   the control plane does not answer
  ${EXIT.interrupted}  interrupted`;

const OF_FAILURE: Readonly<Record<string, ExitCode>> = {
  build_failed: DEPLOY_EXIT.build,
  build_timeout: DEPLOY_EXIT.build,
  dockerfile_missing: DEPLOY_EXIT.context,
  context_missing: DEPLOY_EXIT.context,
  context_invalid: DEPLOY_EXIT.context,
  too_large: DEPLOY_EXIT.context,
  image_unavailable: DEPLOY_EXIT.start,
  crash_loop: DEPLOY_EXIT.start,
  out_of_memory: DEPLOY_EXIT.start,
  not_listening: DEPLOY_EXIT.start,
  not_ready_in_time: DEPLOY_EXIT.start,
  no_region: DEPLOY_EXIT.start,
  host_taken: DEPLOY_EXIT.network,
};

/** The exit code for a failure code, or `fallback` for those that no phase owns. */
export function exitCodeOfFailure(code: string, fallback: ExitCode): ExitCode {
  return OF_FAILURE[code] ?? fallback;
}
