/** Traces on their way from the database to a real collector, which is away for a while. */
import assert from "node:assert/strict";
import { systemClock } from "../../pkg/clock/mod.ts";
import { loadConfig } from "../../pkg/config/mod.ts";
import { transact } from "../../pkg/db/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { NO_METER, NO_METRICS } from "../../pkg/metrics/mod.ts";
import { createTrace, type CtrlDatabase, endTrace, storeSpans } from "../../svc/ctrl/internal/store/mod.ts";
import { openTestDatabase, seedDeployment, seedProject } from "../../svc/ctrl/internal/store/testing.ts";
import { OTEL_FIELDS } from "../../svc/ctrl/worker/config/otel.ts";
import type { TraceExporter } from "../../svc/ctrl/worker/tasks/trace_export.ts";
import { openTraceExport } from "../../svc/ctrl/worker/traces.ts";
import { hasCollector, RealCollector } from "../observe/collector.ts";
import { eventually } from "../testbed/wait.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER = "00f067aa0ba902b7";
const TOOK_MS = 2_000;

/** A deploy that has just failed in one region. */
async function failedDeploy(db: CtrlDatabase): Promise<string> {
  const endedAtMs = systemClock().now();
  const startedAtMs = endedAtMs - TOOK_MS;
  const { id } = await seedDeployment(db, await seedProject(db));
  await transact(db, async (tx) => {
    const trace = {
      trace_id: TRACE_ID,
      parent_span_id: CALLER,
      is_sampled: 1,
      started_at: startedAtMs,
    } as const;
    await createTrace(tx, { deployment_id: id, ...trace });
    await storeSpans(tx, id, [
      { source: "client", key: "pack", name: "pack", startedAtMs, endedAtMs: startedAtMs + 100 },
      {
        source: "region",
        key: "eu health",
        region: "eu",
        name: "health",
        status: "failed",
        startedAtMs: endedAtMs - 500,
        endedAtMs,
      },
    ]);
    await endTrace(tx, { id, outcome: "failed", nowMs: endedAtMs });
  });
  return id;
}

async function open(db: CtrlDatabase, env: Readonly<Record<string, string>>): Promise<TraceExporter> {
  const readFile = (): never => assert.fail("no file is read");
  const config = loadConfig(OTEL_FIELDS, { flags: new Map(), env: (name) => env[name], readFile });
  const parts = {
    db,
    clock: systemClock(),
    log: silentLogger(),
    metrics: NO_METRICS,
    meter: NO_METER,
    fetch,
  };
  return await openTraceExport(config, parts) ?? assert.fail("the settings name a collector");
}

Deno.test({
  name: "a collector that was away gets the trace of a deploy, each span below the one that it is a part of",
  ignore: !await hasCollector(),
  fn: async () => {
    await using collector = await RealCollector.create();
    const db = await openTestDatabase();
    try {
      const id = await failedDeploy(db);
      const exporter = await open(db, {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_SERVICE_NAME: "our-platform",
        OTEL_RESOURCE_ATTRIBUTES: "host.name=one",
      });
      await exporter.drain();
      assert.equal(collector.spans.length, 0);
      await collector.start();
      await exporter.drain();
      await eventually(
        "the collector to pass the spans on",
        () => Promise.resolve(collector.spans.length > 0),
      );
      const [root, ...parts] = collector.spans;
      assert.ok(root !== undefined);
      const byName = new Map(parts.map((span) => [span.name, span]));
      const [region, health] = [byName.get("region"), byName.get("health")];
      assert.deepEqual(
        collector.spans.map((
          { traceId, name, parentSpanId, status },
        ) => [traceId, name, parentSpanId, status.code]),
        [
          [TRACE_ID, "deploy", CALLER, 2],
          [TRACE_ID, "pack", root.spanId, 0],
          [TRACE_ID, "region", root.spanId, 2],
          [TRACE_ID, "health", region?.spanId, 2],
        ],
      );
      assert.deepEqual(root.resource, { "host.name": "one", "service.name": "our-platform" });
      assert.equal(root.attributes["deployment.id"], id);
      assert.equal(root.attributes["deployment.environment.name"], "production");
      assert.equal(health?.attributes["unkey.region"], "eu");
      assert.equal(
        BigInt(root.endTimeUnixNano) - BigInt(root.startTimeUnixNano),
        BigInt(TOOK_MS) * 1_000_000n,
      );
    } finally {
      await db.close();
    }
  },
});
