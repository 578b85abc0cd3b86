import { newId } from "../../../../pkg/uid/mod.ts";
import { handlerPath, type IngressOptions, postToIngress } from "./ingress.ts";
import { decodeStart, decodeSwitch } from "./decode.ts";
import type { StartOutcome, Workflows } from "./mod.ts";
import {
  CERTIFICATE_SERVICE,
  DEPLOYMENT_SERVICE,
  DOMAIN_SERVICE,
  GRADUAL_SERVICE,
  ROUTING_SERVICE,
  START_SERVICE,
} from "./names.ts";

/** See `IngressOptions`; a promote or rollback is answered when it is done, within its timeout. */
export type RestateWorkflowsOptions = IngressOptions;

/**
 * Calls workflows through Restate's ingress.
 *
 * All of it is safe to repeat, and is repeated: a deploy is known by its id, setting a signal twice is setting it once,
 * a start has an id of its own, and a promote, rollback or stopByUser carries an idempotency key, so that a repeat gets the
 * first one's answer.
 */
export function createRestateWorkflows(options: RestateWorkflowsOptions): Workflows {
  const send = async (service: string, key: string, handler: string, rest: Rest = {}): Promise<void> =>
    void await postToIngress(options, { path: `${handlerPath(service, key, handler)}/send`, ...rest });
  const callService = (path: string, body: unknown, signal: AbortSignal | undefined) =>
    postToIngress(options, {
      path,
      body,
      idempotencyKey: newId("request", options.clock.now()),
      ...within(signal),
    });
  const call = (key: string, handler: string, body: unknown, signal: AbortSignal | undefined) =>
    callService(handlerPath(ROUTING_SERVICE, key, handler), body, signal);
  const callGradual = async (id: string, handler: string, body: unknown, signal: AbortSignal | undefined) =>
    void await callService(handlerPath(GRADUAL_SERVICE, id, handler), body, signal);
  const attach = async (id: string, signal: AbortSignal | undefined): Promise<StartOutcome> =>
    decodeStart(
      await postToIngress(options, {
        method: "GET",
        path: `/restate/workflow/${START_SERVICE}/${encodeURIComponent(id)}/attach`,
        ...ATTACH,
        ...within(signal),
      }),
    );

  return {
    submitDeploy: (id, signal) =>
      send(DEPLOYMENT_SERVICE, id, "run", { body: { deploymentId: id }, ...within(signal) }),
    cancelDeploy: (id, signal) => send(DEPLOYMENT_SERVICE, id, "cancel", within(signal)),
    instancesChanged: (id, signal) => send(DEPLOYMENT_SERVICE, id, "instancesChanged", within(signal)),
    promote: async (id, order, signal) => decodeSwitch(await call(id, "promote", order, signal)),
    rollback: async (id, order, signal) => decodeSwitch(await call(id, "rollback", order, signal)),
    beginGradual: (id, order, signal) => callGradual(id, "begin", order, signal),
    advanceGradual: (id, act, signal) => callGradual(id, "advance", act, signal),
    abortGradual: (id, act, signal) => callGradual(id, "abort", act, signal),
    watchGradual: (id, signal) => send(GRADUAL_SERVICE, id, "watch", within(signal)),
    stopByUser: async (id, order, signal) => void await call(id, "stopByUser", order, signal),
    async start(id, order, signal) {
      await send(START_SERVICE, id, "run", { body: order, ...within(signal) });
      return await attach(id, signal);
    },
    awaitStart: attach,
    cancelStart: (id, signal) => send(START_SERVICE, id, "cancel", within(signal)),
    startChanged: (id, signal) => send(START_SERVICE, id, "instancesChanged", within(signal)),
    processCertificate: (hostname, signal) =>
      send(CERTIFICATE_SERVICE, hostname, "ProcessChallenge", {
        body: { domain: hostname },
        ...within(signal),
      }),
    verifyDomain: (domainId, signal) =>
      send(DOMAIN_SERVICE, domainId, "VerifyDomain", { body: {}, ...within(signal) }),
  };
}

/** Longer than the worker lets any start take; Restate may restart meanwhile. */
const ATTACH = { timeoutMs: 70 * 60_000, attemptsMax: 60 };

function within(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

interface Rest {
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}
