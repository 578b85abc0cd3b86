import { EXIT, type Process } from "../../../pkg/cli/mod.ts";
import type { Clock } from "../../../pkg/clock/mod.ts";
import { durationText } from "../../../pkg/config/mod.ts";
import { type Deployment, DeploymentStatus } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { statusName } from "../deployment_view.ts";
import { retryWhileUnavailable } from "../retry_while_unavailable.ts";
import { awaitReceipt } from "../switch_receipt.ts";
import { WaitOver, withinTime } from "../time_limit.ts";
import { DEPLOY_EXIT, exitCodeOfFailure } from "./exit_codes.ts";
import { type DeploymentClient, follow } from "./follow.ts";
import { askToCancel, leftRunning, rolledBackTo } from "./interrupt.ts";
import { PhaseTimes } from "./phase_times.ts";
import type { Report } from "./report.ts";
import { type DeployResult, type End, endedWith, type Timings } from "./result.ts";

export interface WaitOptions {
  readonly client: DeploymentClient;
  readonly deploymentId: string;
  readonly process: Process;
  readonly report: Report;
  readonly timings: Timings;
  readonly wait: "built" | "ready";
  readonly timeoutMs: number;
  /** Ctrl-C asks whether to cancel, if there is a terminal to answer at. */
  readonly ask: boolean;
}

/** Time for a cancelled deployment to undo what it created; after that the command ends and the undoing goes on. */
const CANCEL_MS_MAX = 60_000;
/** Best effort: do not hold up the error message when the control plane is down. */
const FIND_LIVE_MS_MAX = 5_000;

/** Follows a deployment until it ends, the time to wait is over, or Ctrl-C. */
export async function waitForEnd(options: WaitOptions): Promise<End> {
  const { deploymentId, process: { signal }, report, timings, timeoutMs, wait } = options;
  // The second wait, after a Ctrl-C, goes on behind the events of the first.
  const progress: Progress = { cursor: { sequence: 0n }, times: new PhaseTimes(timings) };
  try {
    return await followWithin(options, progress, timeoutMs, signal);
  } catch (error) {
    report.idle();
    if (error instanceof WaitOver) {
      const message = `The deployment was not ${wait} within ${durationText(timeoutMs)}, and goes on: ` +
        `"unkey attach ${deploymentId}" follows it.`;
      return endedWith("running", { code: "still_running", message, exitCode: DEPLOY_EXIT.running });
    }
    if (!signal.aborted) throw error;
  }
  return await endInterrupted(options, progress);
}

async function endInterrupted(options: WaitOptions, progress: Progress): Promise<End> {
  const { deploymentId, report } = options;
  const interrupted = await askToCancel(options);
  if (interrupted.kind === "goes_on") return leftRunning(deploymentId);
  if (interrupted.kind === "rolled_back") return rolledBackTo(interrupted.toDeploymentId);
  report.busy("cancelling");
  try {
    return await followWithin({ ...options, wait: "ready" }, progress, CANCEL_MS_MAX);
  } catch (error) {
    if (!(error instanceof WaitOver)) throw error;
    const message = `The deployment is being cancelled: "unkey status ${deploymentId}" shows how far it is.`;
    return endedWith("running", { code: "cancelling", message, exitCode: DEPLOY_EXIT.cancelled });
  }
}

interface Progress {
  readonly cursor: { sequence: bigint };
  readonly times: PhaseTimes;
}

/** @throws `WaitOver` after `limitMs` */
async function followWithin(
  { client, deploymentId, process: { clock }, report, wait }: WaitOptions,
  { cursor, times }: Progress,
  limitMs: number,
  stop: AbortSignal = new AbortController().signal,
): Promise<End> {
  return await withinTime({ clock, signal: stop, limitMs }, async (signal) => {
    const deployment = await follow({
      client,
      deploymentId,
      clock,
      cursor,
      signal,
      onEvent: (event) => {
        report.event(event);
        times.add(event);
      },
      onTrouble: (message) => report.line(`   ${message}`),
      ...(wait === "built" ? { isEnough: isBuilt } : {}),
    });
    if (deployment.status === DeploymentStatus.READY) report.done("ready");
    return await endOf(deployment, { client, clock, signal });
  });
}

/** The image is built, and the deployment goes on. */
function isBuilt(status: DeploymentStatus): boolean {
  return status === DeploymentStatus.DEPLOYING || status === DeploymentStatus.NETWORK;
}

interface Look {
  readonly client: DeploymentClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

async function endOf(deployment: Deployment, look: Look): Promise<End> {
  const { status, urls, errorMessage, failureCode, imageSourceDeploymentId } = deployment;
  const name = statusName(status);
  const image = imageSourceDeploymentId === "" ? {} : { imageSourceDeploymentId };
  if (isBuilt(status)) return { status: name, urls: [], ...image, exitCode: EXIT.ok };
  if (status === DeploymentStatus.READY) {
    const receipt = await awaitReceipt({ ...look, deploymentId: deployment.id });
    return {
      status: name,
      urls,
      ...image,
      ...(receipt === undefined ? {} : { receipt }),
      exitCode: EXIT.ok,
    };
  }
  const code = failureCode === "" ? name : failureCode;
  const message = errorMessage === "" ? ENDINGS[name] ?? `The deployment is ${name}.` : errorMessage;
  const end = {
    ...endedWith(name, { code, message, exitCode: exitCodeOfFailure(code, EXIT.failed) }),
    ...image,
  };
  const live = await findLive(deployment, look);
  return live === undefined ? end : { ...end, live };
}

/** The deployment that serves the environment instead; `undefined` for none, for itself, and when it is not known. */
async function findLive(
  { id, environmentLiveDeploymentId: liveId }: Deployment,
  { client, clock, signal: stop }: Look,
): Promise<DeployResult["live"]> {
  if (liveId === "" || liveId === id) return undefined;
  const signal = AbortSignal.any([stop, AbortSignal.timeout(FIND_LIVE_MS_MAX)]);
  const look = { clock, signal };
  // A failed look-up must not replace the failure of the deployment itself.
  const found = await retryWhileUnavailable(
    look,
    () => client.getDeployment({ deploymentId: liveId }, { signal }),
  )
    .catch(() => undefined);
  return { id: liveId, urls: found?.deployment?.urls ?? [] };
}

const ENDINGS: Readonly<Record<string, string>> = {
  cancelled: "The deployment was cancelled. What it had created is gone.",
  superseded: "A newer deployment of the same environment took its place.",
  stopped: "The deployment was stopped after it was ready.",
};
