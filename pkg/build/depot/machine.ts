import { Secret } from "../../config/mod.ts";
import { Fault, publicFault } from "../../fault/mod.ts";
import { backoffMs } from "../../retry/mod.ts";
import {
  BuilderPlatform,
  type GetBuildKitConnectionResponse_ActiveConnection as Connection,
} from "../../../proto/gen/depot/cli/v1/build_pb.ts";
import { type BuildDeps, createBuild, type DepotBuild, type DepotOutcome } from "./build.ts";
import { depotFault, unusableAnswer } from "./faults.ts";
import { startHeartbeat } from "./heartbeat.ts";

/** The architectures of Depot's machines. */
export type DepotPlatform = "amd64" | "arm64";

/** One machine for one build. */
export interface AcquireRequest {
  /** At Depot. */
  readonly projectId: string;
  readonly platform: DepotPlatform;
  readonly signal: AbortSignal;
}

/** A BuildKit daemon that is held until `release`. It may need some seconds more until it takes connections. */
export interface DepotMachine extends MachineAddress {
  readonly buildId: string;
  /** The page of the build in Depot's web interface. */
  readonly buildUrl: string;
  /** Aborts with a fault when Depot wants the build to end: it was cancelled there, or took too long. */
  readonly cancelled: AbortSignal;
  /** Gives the machine back and ends the build. Never throws; later calls wait for the first, whose outcome counts. */
  release(outcome: DepotOutcome): Promise<void>;
}

/** Where the daemon listens, and what TLS needs; certificates and key are PEM. */
interface MachineAddress {
  /** `tcp://host:port` */
  readonly address: string;
  /** Name in the daemon's certificate, where it is not the host of the address. */
  readonly serverName?: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: Secret;
}

/** Parts that acquiring works with. */
export interface AcquireDeps extends BuildDeps {
  readonly machineMsMax: number;
}

const PLATFORM: Record<DepotPlatform, BuilderPlatform> = {
  amd64: BuilderPlatform.AMD64,
  arm64: BuilderPlatform.ARM64,
};
const FAILED = "No build machine";

/** See `Depot.acquire`. */
export async function acquireMachine(deps: AcquireDeps, request: AcquireRequest): Promise<DepotMachine> {
  const { clock } = deps;
  const { projectId, signal } = request;
  const startMs = clock.now();
  const log = deps.log.with({ depot_project_id: projectId, platform: request.platform });
  const build = await createBuild({ ...deps, log }, request);
  const platform = PLATFORM[request.platform];
  const heartbeat = startHeartbeat({ build, platform, clock, log });
  const { cancelled } = heartbeat;
  let released: Promise<void> | undefined;
  const release = async (outcome: DepotOutcome): Promise<void> => {
    await heartbeat.stop();
    await build.finish(outcome);
    const { kind: result } = outcome;
    log.info("depot build ended", { build_id: build.id, result, duration_ms: clock.now() - startMs });
  };
  const once = (outcome: DepotOutcome): Promise<void> => released ??= release(outcome);
  try {
    const stop = AbortSignal.any([signal, cancelled]);
    const address = machineAddress(await pollUntilActive(deps, { build, platform, stop, request, startMs }));
    log.info("depot machine acquired", { build_id: build.id, duration_ms: clock.now() - startMs });
    return { ...address, buildId: build.id, buildUrl: build.url, cancelled, release: once };
  } catch (error) {
    const stopped = signal.aborted || cancelled.aborted;
    const message = error instanceof Fault ? error.publicMessage ?? FAILED : FAILED;
    await once(stopped ? { kind: "cancelled" } : { kind: "failed", message });
    throw error;
  }
}

interface Poll {
  readonly build: DepotBuild;
  readonly platform: BuilderPlatform;
  readonly stop: AbortSignal;
  readonly request: AcquireRequest;
  readonly startMs: number;
}

/** Waits for the machine: between polls as long as Depot asks for, and longer and longer while it does not answer. */
async function pollUntilActive({ clock, machineMsMax }: AcquireDeps, poll: Poll): Promise<Connection> {
  const { build, platform, stop, request, startMs } = poll;
  for (let polls = 1;; polls++) {
    let askedMs = 0;
    let trouble: Fault | undefined;
    try {
      const call = { buildId: build.id, platform };
      const { connection } = await build.client.getBuildKitConnection(call, { signal: stop });
      if (connection.case === "active") return connection.value;
      if (connection.case === "pending") askedMs = connection.value.waitMs;
    } catch (error) {
      stop.throwIfAborted();
      trouble = depotFault(error, FAILED);
      if (!trouble.retryable) throw trouble;
    }
    const waitMs = pauseMs(askedMs, polls);
    if (clock.now() + waitMs - startMs > machineMsMax) throw late(request, machineMsMax, trouble);
    await clock.sleep(waitMs, stop);
  }
}

const FIRST_MS = 250;
const ASKED_MS_MAX = 15_000;
const WAIT_MS_MAX = 5_000;

/** The wait that Depot asks for and up to a quarter more, so that builds do not poll together. */
function pauseMs(askedMs: number, polls: number): number {
  if (askedMs <= 0) return backoffMs(polls, FIRST_MS, WAIT_MS_MAX);
  const wholeMs = Math.min(Math.max(askedMs, FIRST_MS), ASKED_MS_MAX);
  return wholeMs + backoffMs(1, wholeMs / 4, wholeMs / 4);
}

function late({ platform, projectId }: AcquireRequest, limitMs: number, trouble: Fault | undefined): Fault {
  const seconds = Math.round(limitMs / 1_000);
  return publicFault(
    "unavailable",
    `${FAILED}: Depot had no ${platform} machine ready within ${seconds} s for its project ${projectId}. ` +
      "It may be short of machines: deploy again in some minutes, and ask the operator to look at Depot's status " +
      "page when it stays so.",
    trouble,
  );
}

/** Connections without TLS are for tests of Depot's own, and never used. */
function machineAddress({ endpoint, serverName, caCert, cert }: Connection): MachineAddress {
  const authority = /^(?:tcp:\/\/)?([^/@\s]+:\d{1,5})$/.exec(endpoint)?.[1];
  if (authority === undefined) throw unusableAnswer(FAILED, "with an address that is not tcp://host:port");
  const [ca, certificate, key] = [caCert?.cert ?? "", cert?.cert ?? "", cert?.key ?? ""];
  if (ca === "" || certificate === "" || key === "") throw unusableAnswer(FAILED, "without certificates");
  return {
    address: `tcp://${authority}`,
    ...(serverName === "" ? {} : { serverName }),
    ca,
    cert: certificate,
    key: new Secret(key),
  };
}
