import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import type { Clock } from "../../../pkg/clock/mod.ts";
import { describeError } from "../../../pkg/fault/mod.ts";
import { FeedClient, type FeedConsumer, type FeedMessage, type FeedTimes } from "../../../pkg/feed/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import type { Metrics } from "../../../pkg/metrics/mod.ts";
import { backoffMs } from "../../../pkg/retry/mod.ts";
import type {
  ApplyRoute,
  FailedRequestsSchema,
  FrontlineService,
  RouteState,
} from "../../../proto/gen/ctrl/v1/frontline_pb.ts";
import type { Certificates, EdgeCertificate } from "./certificates.ts";
import type { FailedReport, FailedRequests } from "./failed_requests.ts";
import type { RequestedDeployments } from "./requested.ts";
import { resourceOf, type Route, type RouteChange, type RouteTable } from "./route_table.ts";

/** One step of the feed. */
type EdgeChange =
  | RouteChange
  | { readonly kind: "apply_certificate"; readonly certificate: EdgeCertificate }
  | { readonly kind: "delete_certificate"; readonly certificateId: string };

/** Times of the watch, in milliseconds. */
export interface WatchTimes extends FeedTimes {
  /** The interval of checks for a version to acknowledge. */
  readonly acknowledgeMs: number;
  /** The interval of acknowledgements without a change, as heartbeats. */
  readonly heartbeatMs: number;
  /** The limit of a route's wait for the instances of its new deployment. */
  readonly routeWaitMs: number;
}

/** The heartbeat timeout is more than six heartbeats of the server. */
const TIMES: WatchTimes = {
  heartbeatTimeoutMs: 20_000,
  retryFirstMs: 100,
  retryMsMax: 5_000,
  acknowledgeMs: 100,
  heartbeatMs: 5_000,
  routeWaitMs: 1_000,
};

/** An hour: no switch waits for so long. */
const APPLIED_MS_MAX = 3_600_000;

export interface WatcherOptions {
  readonly client: Client<typeof FrontlineService>;
  readonly table: RouteTable;
  readonly certificates: Certificates;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
  readonly edgeId: string;
  readonly region: string;
  /** True for an edge: the control plane waits until its table has reached a version. */
  readonly acknowledges: boolean;
  /** Deployments that got requests; each acknowledgement names those that are due. */
  readonly requested?: RequestedDeployments | undefined;
  /** Failed requests around switches; acknowledgements report them. */
  readonly failedRequests?: FailedRequests | undefined;
  /** Called before each acknowledgement. */
  readonly onAcknowledge?: (() => void) | undefined;
  readonly times?: Partial<WatchTimes>;
  /** Called once, when the first snapshot is complete. */
  readonly onReady: () => void;
}

/**
 * Keeps a route table as the control plane wants it, for ever: the table stays as it is while the control plane is
 * away, and catches up from its cursor when it is back.
 */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #times: WatchTimes;
  readonly #feed: FeedClient<RouteState, EdgeChange>;
  #acknowledged = -1;
  /** The version that the last check found, and when it was new. */
  #reached = { version: -1, atMs: 0 };
  #isReady = false;

  constructor(options: WatcherOptions) {
    const { client, clock, edgeId, log } = options;
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
    this.#feed = new FeedClient({
      name: "route",
      open: (cursor, signal) =>
        client.watchRoutes(
          { versionLastSeen: BigInt(cursor), edgeId, knowsProtection: true, knowsSleep: true },
          { signal },
        ),
      decode,
      consumer: this.#consumer(),
      times: this.#times,
      clock,
      log,
      metrics: options.metrics,
    });
  }

  /** The version up to which the table is complete. */
  get version(): number {
    return this.#feed.cursor;
  }

  /** Watches until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#feed.run(signal);
  }

  /**
   * Moves routes that waited long enough, and acknowledges the version of the table, until `signal` aborts. To the
   * control plane, an acknowledgement is also the heartbeat of this edge.
   */
  async acknowledge(signal: AbortSignal): Promise<void> {
    const { acknowledges, clock, log, failedRequests, table } = this.#options;
    let lastMs = -Infinity;
    let failures = 0;
    while (!signal.aborted) {
      table.moveWaiting(clock.now() - this.#times.routeWaitMs);
      const { version } = this;
      if (version !== this.#reached.version) this.#reached = { version, atMs: clock.now() };
      const isDue = version !== this.#acknowledged || clock.now() - lastMs >= this.#times.heartbeatMs ||
        failedRequests?.isDue(clock.now()) === true;
      if (acknowledges && this.#isReady && isDue && !table.hasWaiting) {
        try {
          await this.#send(version, signal);
          this.#acknowledged = version;
          lastMs = clock.now();
          failures = 0;
        } catch (error) {
          if (signal.aborted) return;
          if (failures++ === 0) {
            log.warn("acknowledging routes failed", { version, error: describeError(error) });
          }
        }
      }
      const waitMs = failures === 0
        ? this.#times.acknowledgeMs
        : backoffMs(failures, this.#times.acknowledgeMs, this.#times.retryMsMax);
      await clock.sleep(waitMs, signal).catch(() => undefined);
    }
  }

  async #send(version: number, signal: AbortSignal): Promise<void> {
    const { clock, client, edgeId, region, onAcknowledge, requested, failedRequests } = this.#options;
    onAcknowledge?.();
    const nowMs = clock.now();
    const requestedIds = requested?.take(nowMs) ?? [];
    const failed = failedRequests?.take(nowMs);
    try {
      await client.acknowledgeRoutes({
        edgeId,
        region,
        appliedVersion: BigInt(version),
        appliedMsAgo: Math.min(APPLIED_MS_MAX, Math.max(0, nowMs - this.#reached.atMs)),
        requestedDeploymentIds: [...requestedIds],
        knowsSleep: true,
        ...(failed === undefined ? {} : { failedRequests: encodeFailed(failed) }),
      }, { signal });
    } catch (error) {
      requested?.failed(requestedIds);
      if (failed !== undefined) failedRequests?.failed(failed);
      throw error;
    }
  }

  #consumer(): FeedConsumer<EdgeChange> {
    const { certificates, clock, log, onReady, table } = this.#options;
    return {
      apply({ change }, done) {
        if (change.kind === "apply_certificate") certificates.apply(change.certificate);
        else if (change.kind === "delete_certificate") certificates.delete(change.certificateId);
        else table.apply(change, clock.now());
        done();
      },
      reportProblem({ resourceId: resource, text: problem }) {
        const text =
          "a route, deployment or certificate keeps its state: the control plane cannot read its new one";
        log.warn(text, { resource, problem });
      },
      removals(kept) {
        table.keepOnly(kept);
        certificates.keepOnly(kept);
        return [];
      },
      caughtUp: () => {
        // Nothing that a route waits for is still to come.
        table.moveWaiting();
        if (this.#isReady) return;
        this.#isReady = true;
        onReady();
      },
    };
  }
}

function encodeFailed(
  { countedSlot, countedMsAgo, slots }: FailedReport,
): MessageInitShape<typeof FailedRequestsSchema> {
  return {
    countedSlot: BigInt(countedSlot),
    countedMsAgo,
    slots: slots.map(({ slot, ...rest }) => ({ slot: BigInt(slot), ...rest })),
  };
}

function decode({ state, version: versionBigint }: RouteState): FeedMessage<EdgeChange> {
  const version = Number(versionBigint);
  switch (state.case) {
    case "snapshotEnd":
      return { kind: "snapshot_end", version, resources: state.value.resources };
    case "heartbeat":
      return { kind: "heartbeat", version };
    case "problem": {
      const { resourceId, message: text } = state.value;
      // The message does not say which kind of resource it is.
      const resources = ["route", "endpoints", "certificate", "down_region"].map((kind) =>
        `${kind}/${resourceId}`
      );
      return { kind: "problem", version, resources, resourceId, text };
    }
    case undefined:
      return { kind: "unknown", version };
    case "applyCertificate":
    case "deleteCertificate": {
      const resource = `certificate/${state.value.certificateId}`;
      const change = certificateChangeOf(state);
      return { kind: "change", version, resource, removes: state.case === "deleteCertificate", change };
    }
    default: {
      const change = changeOf(state);
      const removes = change.kind.startsWith("delete_");
      return { kind: "change", version, resource: resourceOf(change), removes, change };
    }
  }
}

function stopOf({ stop }: ApplyRoute): Route["stop"] {
  return stop && { message: stop.message, atMs: Number(stop.at) };
}

type ResourceState = Extract<
  RouteState["state"],
  {
    readonly case:
      | "applyRoute"
      | "deleteRoute"
      | "applyEndpoints"
      | "deleteEndpoints"
      | "applyDownRegion"
      | "deleteDownRegion";
  }
>;

function changeOf({ case: kind, value }: ResourceState): RouteChange {
  switch (kind) {
    case "applyRoute":
      return { kind: "apply_route", route: { ...value, stop: stopOf(value), split: value.split } };
    case "deleteRoute":
      return { kind: "delete_route", routeId: value.routeId, hostname: value.hostname };
    case "applyEndpoints":
      return {
        kind: "apply_endpoints",
        deploymentId: value.deploymentId,
        endpoints: value.endpoints,
        protocol: value.protocol,
        reportsLoad: value.reportsLoad,
      };
    case "deleteEndpoints":
      return { kind: "delete_endpoints", deploymentId: value.deploymentId };
    case "applyDownRegion":
      return { kind: "apply_down_region", region: value.region };
    case "deleteDownRegion":
      return { kind: "delete_down_region", region: value.region };
  }
}

type CertificateState = Extract<
  RouteState["state"],
  { readonly case: "applyCertificate" | "deleteCertificate" }
>;

function certificateChangeOf({ case: kind, value }: CertificateState): EdgeChange {
  return kind === "applyCertificate"
    ? { kind: "apply_certificate", certificate: value }
    : { kind: "delete_certificate", certificateId: value.certificateId };
}
