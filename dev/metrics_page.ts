/** The list of all metrics in `docs/operate/metrics.md`, from their declarations. */
import { DATABASE_METRICS } from "../pkg/db/mod.ts";
import { DURABLE_METRICS } from "../pkg/durable/mod.ts";
import { WATCH_METRICS } from "../pkg/feed/mod.ts";
import {
  LOG_METRICS,
  LOOP_METRICS,
  type MetricSpec,
  PROCESS_METRICS,
  SCRAPE_METRICS,
} from "../pkg/metrics/mod.ts";
import { RPC_METRICS } from "../pkg/rpc/mod.ts";
import { API_METRICS } from "../svc/ctrl/api/metrics.ts";
import { FEED_METRICS } from "../svc/ctrl/internal/changes/metrics.ts";
import { READY_METRICS } from "../svc/ctrl/internal/ready_metrics.ts";
import { WORKER_METRICS } from "../svc/ctrl/worker/metrics.ts";
import { AUTOSCALER_METRICS } from "../svc/ctrl/worker/tasks/autoscaler.ts";
import { SLEEPER_METRICS } from "../svc/ctrl/worker/tasks/sleeper.ts";
import { TRACE_EXPORT_METRICS } from "../svc/ctrl/worker/tasks/trace_export.ts";
import { FRONTLINE_METRICS } from "../svc/frontline/internal/metrics.ts";
import { KRANE_METRICS, RUNTIME_METRICS } from "../svc/krane/metrics.ts";

/** Metrics that belong together, and the values of `part` that they have. */
export interface MetricGroup {
  readonly title: string;
  readonly parts: readonly string[];
  readonly specs: readonly MetricSpec[];
}

const CTRL = ["api", "worker"] as const;
const ALL = [...CTRL, "krane", "frontline", "sentinel"] as const;

/** Every metric of the platform. */
export const CATALOGUE: readonly MetricGroup[] = [
  group("The process", ["process"], PROCESS_METRICS, SCRAPE_METRICS),
  group("Every part", ALL, LOG_METRICS),
  group("Loops", CTRL, LOOP_METRICS),
  group("Ports that serve calls", ["api", "worker", "krane"], RPC_METRICS),
  group("The database", CTRL, DATABASE_METRICS),
  group("Readiness", CTRL, READY_METRICS),
  group("The feed, where it is served", ["api"], FEED_METRICS),
  group("The feed, where it is applied", ["krane", "frontline", "sentinel"], WATCH_METRICS),
  group("The platform as the api sees it", ["api"], API_METRICS),
  group("Workflows", ["worker"], WORKER_METRICS, DURABLE_METRICS, TRACE_EXPORT_METRICS),
  group("Numbers of instances", ["worker"], AUTOSCALER_METRICS),
  group("Sleep", ["worker"], SLEEPER_METRICS),
  group("Agents", ["krane"], KRANE_METRICS, RUNTIME_METRICS),
  group("Edges", ["frontline", "sentinel"], FRONTLINE_METRICS),
];

function group(
  title: string,
  parts: readonly string[],
  ...records: readonly Readonly<Record<string, MetricSpec>>[]
): MetricGroup {
  return { title, parts, specs: records.flatMap((each) => Object.values(each)) };
}

/** The list as Markdown. */
export function metricsList(): string {
  return CATALOGUE.map(({ title, parts, specs }) => {
    const rows = specs.map(({ name, kind, labels, help }) => {
      const own = labels.map((label) => `\`${label}\``).join(", ");
      return `| \`${name}\` | ${kind} | ${own} | ${help.replaceAll("|", "\\|")} |`;
    });
    return [
      `### ${title}`,
      "",
      `\`part\`: ${parts.map((part) => `\`${part}\``).join(", ")}.`,
      "",
      "| metric | kind | labels | meaning |",
      "| --- | --- | --- | --- |",
      ...rows,
      "",
    ].join("\n");
  }).join("\n");
}
