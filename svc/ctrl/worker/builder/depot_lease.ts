import {
  type BuildkitBuilderOptions,
  daemonEndpoint,
  type Endpoint,
  type Lease,
} from "../../../../pkg/build/mod.ts";
import type { Depot, DepotMachine, DepotOutcome, DepotPlatform } from "../../../../pkg/build/depot/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { retry } from "../../../../pkg/retry/mod.ts";
import { type DepotProjectDeps, findOrCreateDepotProject } from "./depot_project.ts";

/** Parts that machines are leased with. */
export interface DepotLeaseDeps extends DepotProjectDeps {
  readonly depot: Depot;
  readonly platform: DepotPlatform;
}

/** A machine takes its first connection some seconds after it is ready, within about a minute. */
const CONNECT = { attemptsMax: 30, firstMs: 500, maxMs: 3_000 } as const;

const OUTCOMES: Record<Parameters<Lease["release"]>[0], DepotOutcome> = {
  built: { kind: "success" },
  failed: { kind: "failed", message: "the build failed" },
  stopped: { kind: "cancelled" },
};

/** A machine of the project's own at Depot for each build. */
export function depotLease(deps: DepotLeaseDeps): BuildkitBuilderOptions["lease"] {
  return async ({ projectId, signal }) => {
    const machine = await acquire(deps, projectId, signal);
    return {
      endpoint: retryingEndpoint(machineEndpoint(machine), deps.clock),
      cancelled: machine.cancelled,
      release: (outcome) => machine.release(OUTCOMES[outcome]),
    };
  };
}

/** A project that was deleted at Depot is created again, once. */
async function acquire(deps: DepotLeaseDeps, projectId: string, signal: AbortSignal): Promise<DepotMachine> {
  const { depot, platform } = deps;
  const known = await findOrCreateDepotProject(deps, { projectId, signal });
  try {
    return await depot.acquire({ projectId: known, platform, signal });
  } catch (error) {
    if (!isFault(error, "not_found")) throw error;
    const next = await findOrCreateDepotProject(deps, { projectId, missing: known, signal });
    return await depot.acquire({ projectId: next, platform, signal });
  }
}

function machineEndpoint({ address, serverName, ca, cert: certificate, key }: DepotMachine): Endpoint {
  return daemonEndpoint(address, {
    ca,
    certificate,
    key,
    ...(serverName === undefined ? {} : { serverName }),
  });
}

function retryingEndpoint(endpoint: Endpoint, clock: Clock): Endpoint {
  return {
    name: endpoint.name,
    connect: (signal) =>
      retry(() => endpoint.connect(signal), {
        ...CONNECT,
        clock,
        signal,
        retryable: (error) => isFault(error, "unavailable"),
      }),
  };
}
