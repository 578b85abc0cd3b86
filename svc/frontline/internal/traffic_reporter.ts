import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import type { Clock } from "../../../pkg/clock/mod.ts";
import { describeError } from "../../../pkg/fault/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import { fromConnectError, isUnimplemented } from "../../../pkg/rpc/mod.ts";
import type {
  FrontlineService,
  ReportTrafficRequestSchema,
} from "../../../proto/gen/ctrl/v1/frontline_pb.ts";
import type { Traffic, TrafficBatch } from "./traffic.ts";

export interface TrafficReport {
  readonly traffic: Traffic;
  readonly client: Pick<Client<typeof FrontlineService>, "reportTraffic">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly edgeId: string;
  readonly region: string;
}

/** Less than an interval, so that the next one is closed in time. */
const CALL_MS_MAX = 5_000;
const LAST_CALL_MS_MAX = 2_000;

/** Sends the requests of each interval to the control plane until `signal` aborts, and then those of the last one. */
export async function reportTraffic(options: TrafficReport, signal: AbortSignal): Promise<void> {
  const { traffic, clock } = options;
  const sender = new Sender(options);
  while (!signal.aborted) {
    await clock.sleep(traffic.restMs(clock.now()), signal).catch(() => undefined);
    traffic.close(clock.now(), { isLast: signal.aborted });
    await sender.sendAll(signal.aborted ? LAST_CALL_MS_MAX : CALL_MS_MAX);
  }
}

class Sender {
  readonly #options: TrafficReport;
  #failures = 0;

  constructor(options: TrafficReport) {
    this.#options = options;
  }

  /** Sends what waits, up to the first failure: the rest waits for the next interval. */
  async sendAll(timeoutMs: number): Promise<void> {
    const { traffic, client, clock } = this.#options;
    for (let batch = traffic.next(); batch !== undefined; batch = traffic.next()) {
      try {
        const { now } = await client.reportTraffic(this.#encode(batch), { timeoutMs });
        traffic.sent(batch);
        traffic.follow(Number(now), clock.now());
        this.#failures = 0;
      } catch (error) {
        // A control plane that is older than this edge, or that never takes this batch.
        const isFinal = isUnimplemented(error) || fromConnectError(error).code === "invalid_argument";
        if (isFinal) traffic.sent(batch);
        this.#note(error);
        return;
      }
    }
  }

  #note(error: unknown): void {
    if (this.#failures++ > 0) return;
    this.#options.log.warn("reporting traffic failed", { error: describeError(error) });
  }

  #encode({ processId, startedAtMs, deployments }: TrafficBatch): MessageInitShape<
    typeof ReportTrafficRequestSchema
  > {
    const { edgeId, region } = this.#options;
    return {
      edgeId,
      processId,
      region,
      startedAt: BigInt(startedAtMs),
      deployments: deployments.map(({ receivedBytes, sentBytes, busyMs, lastRequestAtMs, ...counts }) => ({
        ...counts,
        responses: [...counts.responses],
        latencyBuckets: [...counts.latencyBuckets],
        latencyCounts: [...counts.latencyCounts],
        receivedBytes: BigInt(receivedBytes),
        sentBytes: BigInt(sentBytes),
        busyMs: BigInt(Math.round(busyMs)),
        lastRequestAt: BigInt(lastRequestAtMs),
      })),
    };
  }
}
