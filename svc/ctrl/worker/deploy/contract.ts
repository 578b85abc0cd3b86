/** The deploy workflow as its callers see it. */
import { iface } from "@restatedev/restate-sdk/fetch";
import { jsonSerde, protoSerde } from "../../../../pkg/durable/mod.ts";
import { DeployRequestSchema } from "../../../../proto/gen/hydra/v1/hydra_pb.ts";
import type { DeploymentStatus } from "../../internal/deployments/status.ts";
import { DEPLOYMENT_SERVICE } from "../../internal/workflows/names.ts";

/** The final status of a deploy. `missing`: there was no such deployment. */
export interface DeployOutcome {
  readonly status: DeploymentStatus | "missing";
}

/** `accepted` is false once traffic has been switched. */
export interface CancelAnswer {
  readonly accepted: boolean;
}

/** A build slot is set aside for the deployment. */
export interface SlotOffered {
  /** Of the request that was answered with `waiting`. */
  readonly ticket: number;
}

/**
 * Deploys one deployment; the shared handlers wake it and cancel it.
 *
 * One workflow per deployment, known by its id: submitting it twice starts it once, and deploys of one environment build
 * and roll out side by side. What they contend for, routes and the live pointer, belongs to the routing service of the
 * environment.
 */
export const DeploymentService = iface.workflow(DEPLOYMENT_SERVICE, {
  run: iface.serdes({ input: protoSerde(DeployRequestSchema), output: jsonSerde<DeployOutcome>() }),
  /** Something about the deployment's instances changed. */
  instancesChanged: iface.shared.json<void, void>(),
  slotOffered: iface.shared.json<SlotOffered, void>(),
  cancel: iface.shared.json<void, CancelAnswer>(),
});
