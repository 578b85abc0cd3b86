import type { Clock } from "../../../pkg/clock/mod.ts";
import { codeOf, counter, gauge, type Metrics } from "../../../pkg/metrics/mod.ts";
import { AGENT_HEARTBEAT_TIMEOUT_MS } from "../internal/agents/mod.ts";
import {
  certificateNumbers,
  countBuildSlots,
  type CtrlDatabase,
  EDGE_REGION,
  listDownRegions,
  listRegionProgress,
} from "../internal/store/mod.ts";
import type { Authenticator } from "./authenticate.ts";

/** Numbers of the whole platform, which each api process reads from the database, and of its credentials and uploads. */
export const API_METRICS = {
  regionSeen: gauge(
    "unkey_region_last_seen_timestamp_seconds",
    "Last heartbeat of a region's agents, in seconds since 1970; `*`: of the edges.",
    ["region"],
  ),
  regionLag: gauge(
    "unkey_region_lag_versions",
    "Versions of its feed that the slowest live agent of a region has not applied; `*`: of the edges.",
    ["region"],
  ),
  regionApplied: gauge(
    "unkey_region_applied_version",
    "Version up to which the slowest live agent of a region has applied its feed; `*`: of the edges.",
    ["region"],
  ),
  regionDown: gauge(
    "unkey_region_down",
    "1 while edges prefer other regions, since no agent of this one sends heartbeats.",
    [
      "region",
    ],
  ),
  builds: gauge("unkey_build_slots", "Builds that run, or wait for a slot.", ["state"]),
  oldestWait: gauge("unkey_build_wait_seconds", "Time that the build which waits longest has waited."),
  certificates: gauge("unkey_certificates", "Certificates of the platform."),
  certificateEnd: gauge(
    "unkey_certificate_first_end_timestamp_seconds",
    "End of the certificate that ends first, in seconds since 1970; absent without any.",
  ),
  orders: gauge("unkey_certificate_orders", "Certificates that are wanted, by the state of their order.", [
    "status",
  ]),
  credentials: counter(
    "unkey_credentials_refused_total",
    "Credentials that were refused; rate_limited: the client had tried too many, and is slowed down.",
    ["code"],
  ),
  uploads: counter("unkey_uploads_total", "Packs of build contexts that were uploaded."),
  uploadBytes: counter("unkey_upload_bytes_total", "Bytes of these packs."),
};

/** Agents that were seen within this time are shown: the last one of a region is kept for a day. */
const SHOWN_MS = 24 * 3_600_000;

/** Reads the platform from the database before each scrape: five small statements. */
export function watchPlatform(
  metrics: Metrics,
  { db, clock }: { readonly db: CtrlDatabase; readonly clock: Clock },
): void {
  const seen = metrics.gauge(API_METRICS.regionSeen);
  const lag = metrics.gauge(API_METRICS.regionLag);
  const applied = metrics.gauge(API_METRICS.regionApplied);
  const down = metrics.gauge(API_METRICS.regionDown);
  metrics.onScrape("regions", async () => {
    const nowMs = clock.now();
    const regions = await listRegionProgress(db.kysely, nowMs - SHOWN_MS);
    const downs = new Set((await listDownRegions(db.kysely)).map((each) => each.region));
    const live = await listRegionProgress(db.kysely, nowMs - AGENT_HEARTBEAT_TIMEOUT_MS);
    seen.replace(
      regions.map(({ region, lastSeenAtMs }) => ({ labels: { region }, value: lastSeenAtMs / 1_000 })),
    );
    lag.replace(live.map(({ region, version, appliedVersion }) => ({
      labels: { region },
      value: Math.max(0, version - appliedVersion),
    })));
    applied.replace(live.map((each) => ({ labels: { region: each.region }, value: each.appliedVersion })));
    const known = regions.map((each) => each.region).filter((region) => region !== EDGE_REGION);
    down.replace(known.map((region) => ({ labels: { region }, value: downs.has(region) ? 1 : 0 })));
  });
  watchBuilds(metrics, { db, clock });
  watchCertificates(metrics, db);
}

function watchBuilds(
  metrics: Metrics,
  { db, clock }: { readonly db: CtrlDatabase; readonly clock: Clock },
): void {
  const builds = metrics.gauge(API_METRICS.builds);
  const wait = metrics.gauge(API_METRICS.oldestWait);
  metrics.onScrape("builds", async () => {
    const queues = await countBuildSlots(db.kysely);
    const of = (state: string): number => queues.find((each) => each.state === state)?.count ?? 0;
    for (const state of ["holding", "offered", "waiting"]) builds.set({ state }, of(state));
    const waiting = queues.find((each) => each.state === "waiting");
    wait.set({}, waiting === undefined ? 0 : Math.max(0, clock.now() - waiting.oldestAtMs) / 1_000);
  });
}

function watchCertificates(metrics: Metrics, db: CtrlDatabase): void {
  const certificates = metrics.gauge(API_METRICS.certificates);
  const end = metrics.gauge(API_METRICS.certificateEnd);
  const orders = metrics.gauge(API_METRICS.orders);
  metrics.onScrape("certificates", async () => {
    const numbers = await certificateNumbers(db.kysely);
    certificates.set({}, numbers.count);
    end.replace(
      numbers.firstEndAtMs === undefined ? [] : [{ labels: {}, value: numbers.firstEndAtMs / 1_000 }],
    );
    orders.replace(numbers.orders.map(({ status, count }) => ({ labels: { status }, value: count })));
  });
}

/** An authenticator whose refusals are counted. */
export function countRefusals(authenticate: Authenticator, metrics: Metrics): Authenticator {
  const refused = metrics.counter(API_METRICS.credentials);
  return async (headers) => {
    try {
      return await authenticate(headers);
    } catch (error) {
      refused.add({ code: codeOf(error) });
      throw error;
    }
  };
}

/** Counts packs that were uploaded, by their bytes. */
export function countUploads(metrics: Metrics): (bytes: number) => void {
  const uploads = metrics.counter(API_METRICS.uploads);
  const bytes = metrics.counter(API_METRICS.uploadBytes);
  return (size) => {
    uploads.add({});
    bytes.add({}, size);
  };
}
