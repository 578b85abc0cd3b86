import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Clock } from "../../clock/mod.ts";
import { describeError, publicFault } from "../../fault/mod.ts";
import type { Logger } from "../../logger/mod.ts";
import type { BuilderPlatform } from "../../../proto/gen/depot/cli/v1/build_pb.ts";
import type { DepotBuild } from "./build.ts";

/** Depot's own client reports every five seconds. */
const INTERVAL_MS = 5_000;
const CANCELLED =
  "Depot cancelled the build: it was stopped in Depot's web interface, or took longer than is " +
  "allowed there. Deploy again, or ask the operator to raise the limit.";

/** The heartbeat of a build on a machine. */
export interface Heartbeat {
  /** Aborts when Depot wants the build to end. */
  readonly cancelled: AbortSignal;
  /** Ends the heartbeat, and waits until its last call is over. Safe to repeat. */
  stop(): Promise<void>;
}

interface HeartbeatOptions {
  readonly build: DepotBuild;
  readonly platform: BuilderPlatform;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Reports that the build is alive, at once and every five seconds. Calls that fail are repeated at the next turn. */
export function startHeartbeat(options: HeartbeatOptions): Heartbeat {
  const cancel = new AbortController();
  const end = new AbortController();
  const loop = beat(options, cancel, end.signal);
  return {
    cancelled: cancel.signal,
    stop: () => {
      end.abort();
      return loop;
    },
  };
}

async function beat(
  { build, platform, clock, log }: HeartbeatOptions,
  cancel: AbortController,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      const { cancelsAt } = await build.client.reportBuildHealth({ buildId: build.id, platform }, { signal });
      failures = 0;
      if (cancelsAt !== undefined && timestampMs(cancelsAt) <= clock.now()) {
        cancel.abort(publicFault("cancelled", CANCELLED));
      }
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      // One line per series: a lost machine shows in the build itself.
      if (failures === 1) {
        log.warn("depot heartbeat failed", { build_id: build.id, error: describeError(error) });
      }
    }
    // Rejects only when the signal aborts, which ends the loop.
    await clock.sleep(INTERVAL_MS, signal).catch(() => undefined);
  }
}
