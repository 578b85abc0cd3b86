/** Costs of a deploy at several sizes of one part of the platform. */
import { costsOf, peaks, spent } from "./costs.ts";
import { table } from "./report.ts";
import type { ScaleResult } from "./run.ts";
import type { GROWTH } from "./size.ts";

/** One line for each size. */
export function growthTable(part: keyof typeof GROWTH, results: readonly ScaleResult[]): string[] {
  const head = [
    part,
    "statements",
    "rows read",
    "rows written",
    "KiB",
    "processor",
    "of it api, worker, database",
    "agents and edges up to date",
    "statements at rest",
    "api",
    "worker",
    "one edge",
    "all agents",
  ];
  return table(head, results.map((result) => growthRow(part, result)));
}

function growthRow(part: keyof typeof GROWTH, result: ScaleResult): string[] {
  const costs = costsOf(result);
  const rest = spent(result.idle);
  const memory = peaks(result.samples);
  const all = Object.values(costs.processorMs).reduce((sum, each) => sum + each, 0);
  const ms = (name: string): string => (costs.processorMs[name] ?? NaN).toFixed(0);
  const mib = (name: string): string => `${(memory.get(name) ?? NaN).toFixed(0)} MiB`;
  return [
    result.size[part].toLocaleString("en"),
    costs.statements.toFixed(0),
    costs.rowsRead.toFixed(0),
    costs.rowsWritten.toFixed(0),
    costs.kib.toFixed(0),
    `${all.toFixed(0)} ms`,
    `${ms("api")}, ${ms("worker")}, ${ms("mariadb")} ms`,
    `${(result.reportedMs / 1_000).toFixed(0)} s`,
    `${(rest.statements / rest.seconds).toFixed(1)}/s`,
    mib("api"),
    mib("worker"),
    mib("one edge"),
    mib("all agents"),
  ];
}
