import { freePort } from "./wait.ts";

/** The ports of one process of each part. */
export interface OwnPorts {
  readonly api: number;
  readonly worker: number;
  readonly workerHealth: number;
  readonly krane: number;
  readonly edge: number;
}

/** The same, and those of Restate. */
export interface Ports extends OwnPorts {
  readonly ingress: number;
  readonly admin: number;
  readonly node: number;
}

export function ownPorts(): OwnPorts {
  return {
    api: freePort(),
    worker: freePort(),
    workerHealth: freePort(),
    krane: freePort(),
    edge: freePort(),
  };
}
