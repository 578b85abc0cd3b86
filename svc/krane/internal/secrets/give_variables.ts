import { Fault } from "../../../../pkg/fault/mod.ts";
import { sha256Hex } from "../../../../pkg/hash/mod.ts";
import type { DesiredDeployment } from "../deployment/desired.ts";

/** The owner of a running pod, by its proof. */
export interface PodIdentity {
  readonly deploymentName: string;
  readonly deploymentId: string;
  readonly environmentId: string;
}

export interface GiveDeps {
  /** The owner of a token's pod; `undefined` for an invalid token. */
  readonly identify: (token: string, signal: AbortSignal) => Promise<PodIdentity | undefined>;
  /** The desired state of a name, with its variables. */
  readonly find: (name: string) => DesiredDeployment | undefined;
}

export interface Request {
  readonly token: string;
  readonly deploymentId: string;
  readonly environmentId: string;
  /** The encrypted variables, if the pod was given them. */
  readonly blob: Uint8Array;
}

const TOKEN_CHARS_MAX = 16_384;
const ID_CHARS_MAX = 256;
const WAITING_MAX = 64;

/** @throws `unauthenticated` for every problem, so that the caller does not learn which */
export type GiveVariables = (
  request: Request,
  signal: AbortSignal,
) => Promise<Readonly<Record<string, string>>>;

/**
 * Gives the variables of the deployment whose running pod the token was made for. They come from the desired state and never
 * from the request: this agent has no key, and a blob in the request only has to equal the delivered blob.
 */
export function variablesGiver({ find, identify }: GiveDeps): GiveVariables {
  const bounded = boundedCalls(WAITING_MAX);
  return async ({ blob, deploymentId, environmentId, token }, signal) => {
    if (token === "" || token.length > TOKEN_CHARS_MAX) throw refusal();
    if (deploymentId.length > ID_CHARS_MAX || environmentId.length > ID_CHARS_MAX) throw refusal();
    const pod = await bounded(() => identify(token, signal));
    if (pod === undefined || pod.deploymentId !== deploymentId || pod.environmentId !== environmentId) {
      throw refusal();
    }
    const desired = find(pod.deploymentName);
    if (desired?.deploymentId !== deploymentId || desired.environmentId !== environmentId) throw refusal();
    if (blob.length > 0 && sha256Hex(blob) !== desired.blobSha256) throw refusal();
    return desired.env;
  };
}

function refusal(): Fault {
  return new Fault("unauthenticated", "the token and the request do not belong to a running pod's variables");
}

/** Callers without a proof must not keep the cluster busy. */
function boundedCalls(max: number): <T>(ask: () => Promise<T>) => Promise<T> {
  let waiting = 0;
  return async (ask) => {
    if (waiting >= max) throw new Fault("rate_limited", "too many tokens are being checked");
    waiting++;
    try {
      return await ask();
    } finally {
      waiting--;
    }
  };
}
