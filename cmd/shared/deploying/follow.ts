import type { Client } from "@connectrpc/connect";
import {
  type Deployment,
  type DeploymentEvent,
  type DeploymentService,
  DeploymentStatus,
} from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { IdleAbort } from "../../../pkg/async/mod.ts";
import type { Clock } from "../../../pkg/clock/mod.ts";
import { Fault, publicFault } from "../../../pkg/fault/mod.ts";
import { backoffMs } from "../../../pkg/retry/mod.ts";
import { fromConnectError } from "../../../pkg/rpc/mod.ts";

export type DeploymentClient = Client<typeof DeploymentService>;

export interface FollowOptions {
  readonly client: DeploymentClient;
  readonly deploymentId: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The last event that was handled; moves on, so that a later call resumes behind it. */
  readonly cursor?: { sequence: bigint };
  /** Statuses on the way that end the following, too. */
  readonly isEnough?: (status: DeploymentStatus) => boolean;
  /** Called once per event, in order. */
  readonly onEvent: (event: DeploymentEvent) => void;
  /** Called once when the stream is lost; following goes on. */
  readonly onTrouble: (message: string) => void;
}

/** Three of the server's heartbeats: a stream that is idle for longer is dead. */
const IDLE_MS = 15_000;
const RETRY_FIRST_MS = 250;
const RETRY_MS_MAX = 5_000;

const FINAL: readonly DeploymentStatus[] = [
  DeploymentStatus.READY,
  DeploymentStatus.FAILED,
  DeploymentStatus.CANCELLED,
  DeploymentStatus.SUPERSEDED,
  DeploymentStatus.STOPPED,
];

/**
 * Follows a deployment to its end and returns its last state. The stream only shortens the wait: when it breaks it is
 * resumed behind the last event, and the end is always read from the deployment itself.
 *
 * @throws errors that a retry cannot fix, such as `unauthenticated` or `not_found`
 */
export async function follow(options: FollowOptions): Promise<Deployment> {
  const { clock, signal, onTrouble, cursor = { sequence: 0n } } = options;
  const isEnd = (status: DeploymentStatus): boolean =>
    FINAL.includes(status) || options.isEnough?.(status) === true;
  for (let failures = 0;;) {
    const before = cursor.sequence;
    try {
      const complete = await readEvents(options, cursor, isEnd);
      const deployment = await read(options);
      if (isEnd(deployment.status)) {
        // The stream ended early, as those of an api that is stopped do. The end is known; the rest is output.
        if (!complete) await readEvents(options, cursor, isEnd).catch(() => undefined);
        return deployment;
      }
    } catch (error) {
      signal.throwIfAborted();
      const fault = fromConnectError(error);
      if (isPermanent(fault)) throw fault;
      if (failures === 1) onTrouble("the control plane does not answer; waiting for it");
    }
    failures = cursor.sequence > before ? 1 : failures + 1;
    await clock.sleep(backoffMs(failures, RETRY_FIRST_MS, RETRY_MS_MAX), signal);
  }
}

/** A retry cannot fix these errors. */
function isPermanent({ code }: Fault): boolean {
  return code === "unauthenticated" || code === "permission_denied" || code === "not_found" ||
    code === "invalid_argument";
}

/** Reads up to the event of a status that is the end; returns true when there was one. */
async function readEvents(
  options: FollowOptions,
  cursor: { sequence: bigint },
  isEnd: (status: DeploymentStatus) => boolean,
): Promise<boolean> {
  const { client, deploymentId, clock, signal, onEvent } = options;
  using idle = new IdleAbort({ clock, idleMs: IDLE_MS, signal });
  const afterSequence = cursor.sequence;
  const stream = client.watchDeploymentEvents({ deploymentId, afterSequence }, { signal: idle.signal });
  for await (const { event } of stream) {
    idle.reset();
    if (event.case !== "deploymentEvent" || event.value.sequence <= cursor.sequence) continue;
    cursor.sequence = event.value.sequence;
    onEvent(event.value);
    const { payload } = event.value;
    if (payload.case === "status" && isEnd(payload.value.status)) return true;
  }
  return false;
}

async function read({ client, deploymentId, signal }: FollowOptions): Promise<Deployment> {
  const { deployment } = await client.getDeployment({ deploymentId }, { signal });
  if (deployment === undefined) {
    throw publicFault("internal", "The control plane answered without a deployment.");
  }
  return deployment;
}
