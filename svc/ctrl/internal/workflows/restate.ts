import { newId } from "../../../../pkg/uid/mod.ts";
import { handlerPath, type IngressOptions, postToIngress } from "./ingress.ts";
import type { Workflows } from "./mod.ts";
import { DEPLOYMENT_SERVICE, ROUTING_SERVICE } from "./names.ts";

/** See `IngressOptions`; a promote or rollback is answered when it is done, within its timeout. */
export type RestateWorkflowsOptions = IngressOptions;

/**
 * Reaches workflows through Restate's ingress.
 *
 * All of it is safe to repeat, and is repeated: a deploy is known by its id, setting a signal twice is setting it once,
 * and a promote or rollback carries an idempotency key, so that a repeat gets the first one's answer.
 */
export function createRestateWorkflows(options: RestateWorkflowsOptions): Workflows {
  const send = (service: string, key: string, handler: string, send: Send = {}): Promise<void> =>
    postToIngress(options, { path: `${handlerPath(service, key, handler)}/send`, ...send });
  const call = (key: string, handler: string, body: unknown, signal?: AbortSignal): Promise<void> =>
    postToIngress(options, {
      path: handlerPath(ROUTING_SERVICE, key, handler),
      body,
      idempotencyKey: newId("request", options.clock.now()),
      ...(signal === undefined ? {} : { signal }),
    });
  const within = (signal: AbortSignal | undefined): Send => signal === undefined ? {} : { signal };

  return {
    submitDeploy: (id, signal) =>
      send(DEPLOYMENT_SERVICE, id, "run", { body: { deploymentId: id }, ...within(signal) }),
    cancelDeploy: (id, signal) => send(DEPLOYMENT_SERVICE, id, "cancel", within(signal)),
    instancesChanged: (id, signal) => send(DEPLOYMENT_SERVICE, id, "instancesChanged", within(signal)),
    promote: (id, target, signal) => call(id, "promote", { targetDeploymentId: target }, signal),
    rollback: (id, source, target, signal) =>
      call(id, "rollback", { sourceDeploymentId: source, targetDeploymentId: target }, signal),
  };
}

interface Send {
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}
