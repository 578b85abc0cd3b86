import { EXIT, type ExitCode, type ExitMeaning } from "../../../pkg/cli/mod.ts";

/** Exit codes of `unkey deploy` beyond those that all commands share: one for each phase that can fail. */
export const DEPLOY_EXIT = {
  context: 10,
  upload: 11,
  build: 12,
  start: 13,
  network: 14,
  cancelled: 15,
  superseded: 16,
  running: 17,
  release: 19,
} as const;

/** An exit code with the phase in which a deploy ended. */
interface PhaseMeaning extends ExitMeaning {
  readonly phase: string;
}

/** Every exit code of a deploy. Help, documentation and JSON are made of this table. */
export const DEPLOY_EXITS: readonly PhaseMeaning[] = [
  { code: EXIT.ok, phase: "ready", means: "the deployment is ready, or as far as --wait asks" },
  { code: EXIT.failed, phase: "other", means: "something else failed" },
  { code: EXIT.usage, phase: "usage", means: "wrong usage or settings" },
  { code: EXIT.auth, phase: "auth", means: "not logged in, or not allowed" },
  { code: DEPLOY_EXIT.context, phase: "context", means: "the folder or its Dockerfile cannot be used" },
  { code: DEPLOY_EXIT.upload, phase: "upload", means: "the upload failed" },
  { code: DEPLOY_EXIT.build, phase: "build", means: "the build failed" },
  { code: DEPLOY_EXIT.start, phase: "start", means: "the app did not start or did not get healthy" },
  { code: DEPLOY_EXIT.network, phase: "network", means: "its host names could not be switched to it" },
  { code: DEPLOY_EXIT.cancelled, phase: "cancelled", means: "the deployment was cancelled" },
  { code: DEPLOY_EXIT.superseded, phase: "superseded", means: "a newer deployment took its place" },
  {
    code: DEPLOY_EXIT.running,
    phase: "wait",
    means: "--timeout was over; the deployment goes on",
  },
  { code: DEPLOY_EXIT.release, phase: "release", means: "the release command failed; nothing was switched" },
  { code: EXIT.unreachable, phase: "connect", means: "the control plane does not answer" },
  { code: EXIT.interrupted, phase: "interrupted", means: "Ctrl-C; a deployment that was created goes on" },
];

/** The same for commands that follow a deployment without an upload. */
export const FOLLOW_EXITS: readonly PhaseMeaning[] = DEPLOY_EXITS.filter(({ code }) =>
  code !== DEPLOY_EXIT.upload
);

/** The codes as `--help` shows them. */
export function exitNotes(exits: readonly PhaseMeaning[]): string {
  return [
    "Standard output gets the URLs and nothing else, or with --json one JSON object, also when the deploy fails. With",
    "--output ndjson it gets an object for each event: created, status, step, log and notice, and the result last.",
    "",
    "Exit codes, with the error.phase of --json:",
    ...exits.map(({ code, phase, means }) => `  ${String(code).padEnd(3)}  ${phase.padEnd(11)}  ${means}`),
  ].join("\n");
}

/** The phase that an exit code stands for. */
export function phaseOf(code: ExitCode): string {
  return DEPLOY_EXITS.find((each) => each.code === code)?.phase ?? "other";
}

const OF_FAILURE: Readonly<Record<string, ExitCode>> = {
  build_failed: DEPLOY_EXIT.build,
  build_timeout: DEPLOY_EXIT.build,
  push_denied: DEPLOY_EXIT.build,
  push_failed: DEPLOY_EXIT.build,
  builder_full: DEPLOY_EXIT.build,
  registry_full: DEPLOY_EXIT.build,
  registry_unavailable: DEPLOY_EXIT.build,
  queue_timeout: DEPLOY_EXIT.build,
  queue_full: DEPLOY_EXIT.build,
  dockerfile_missing: DEPLOY_EXIT.context,
  context_missing: DEPLOY_EXIT.context,
  context_invalid: DEPLOY_EXIT.context,
  too_large: DEPLOY_EXIT.context,
  upload_failed: DEPLOY_EXIT.upload,
  storage_full: DEPLOY_EXIT.upload,
  release_failed: DEPLOY_EXIT.release,
  image_unavailable: DEPLOY_EXIT.start,
  refused: DEPLOY_EXIT.start,
  crash_loop: DEPLOY_EXIT.start,
  out_of_memory: DEPLOY_EXIT.start,
  not_listening: DEPLOY_EXIT.start,
  not_ready_in_time: DEPLOY_EXIT.start,
  no_region: DEPLOY_EXIT.start,
  host_taken: DEPLOY_EXIT.network,
  cancelled: DEPLOY_EXIT.cancelled,
  superseded: DEPLOY_EXIT.superseded,
};

/** The exit code for a failure code, or `fallback` for those that no phase owns. */
export function exitCodeOfFailure(code: string, fallback: ExitCode): ExitCode {
  return OF_FAILURE[code] ?? fallback;
}
