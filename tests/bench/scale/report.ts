/** A run as tables of Markdown. */
import { loadAverage, machine } from "../row.ts";
import { costsOf, peaks, spent } from "./costs.ts";
import { PHASES, quantiles } from "./phases.ts";
import type { ScaleResult } from "./run.ts";
import { sizeText } from "./size.ts";

const STATEMENTS_SHOWN = 12;
const TEXT_SHOWN = 160;

/** All that a run measured. */
export function reportRun(result: ScaleResult): string {
  const { size, seedMs, reportedMs, loadMs, drainedMs, ended, idle, samples } = result;
  const rest = spent(idle);
  const perSecond = (value: number): string => (value / rest.seconds).toFixed(1);
  const ends = Object.entries(ended).map(([status, count]) => `${count} ${status}`).join(", ");
  return [
    `Command: \`deno task bench:scale ${sizeText(size)}\`. Machine: ${machine()}. ${loadAverage()}`,
    "",
    `Seeded in ${seconds(seedMs)}; agents and edges up to date after ${seconds(reportedMs)}; the load took ` +
    `${seconds(loadMs)}, all queues were empty after ${seconds(drainedMs)}. Ends: ${ends}.`,
    "",
    ...phaseTable(result),
    "",
    ...costTable(result),
    "",
    `Idle: ${perSecond(rest.statements)} statements and ${perSecond(rest.rowsRead)} rows read per second.`,
    "",
    ...databaseTable(samples),
    "",
    ...statementTable(result),
  ].join("\n");
}

function phaseTable({ times }: ScaleResult): string[] {
  const all = quantiles(times);
  return table(
    ["from the create to", "deploys", "p50", "p99"],
    PHASES.map((phase) => {
      const { count, p50Ms, p99Ms } = all[phase];
      return [phase, String(count), `${p50Ms.toFixed(0)} ms`, `${p99Ms.toFixed(0)} ms`];
    }),
  );
}

function costTable(result: ScaleResult): string[] {
  const { processorMs } = costsOf(result);
  const rest = spent(result.idle);
  const begin = result.idle[0]?.residentMib ?? {};
  return table(
    ["process", "memory at rest", "at most", "processor per deploy", "at rest"],
    Array.from(peaks(result.samples), ([name, mib]) => [
      name,
      `${(begin[name] ?? NaN).toFixed(0)} MiB`,
      `${mib.toFixed(0)} MiB`,
      `${(processorMs[name] ?? NaN).toFixed(0)} ms`,
      `${((rest.processorMs[name] ?? NaN) / rest.seconds / 10).toFixed(1)} %`,
    ]),
  );
}

function databaseTable(samples: ScaleResult["samples"]): string[] {
  const per = samples.slice(1).map((sample, index) => spent([samples[index] ?? sample, sample]));
  const most = (value: (each: (typeof per)[number]) => number): string =>
    Math.max(0, ...per.map((each) => value(each) / each.seconds)).toFixed(0);
  const mean = spent(samples);
  const threads = samples.map(({ database }) => database.threadsRunning);
  const threadsMean = threads.reduce((sum, each) => sum + each, 0) / Math.max(1, threads.length);
  const row = (name: string, value: (each: (typeof per)[number]) => number): string[] => [
    name,
    (value(mean) / mean.seconds).toFixed(0),
    most(value),
  ];
  return table(["database, per second", "mean", "most"], [
    row("statements", (each) => each.statements),
    row("rows read", (each) => each.rowsRead),
    row("rows written", (each) => each.rowsWritten),
    row("KiB sent and received", (each) => each.kib),
    ["threads that run", threadsMean.toFixed(1), String(Math.max(0, ...threads))],
  ]);
}

function statementTable({ statements }: ScaleResult): string[] {
  return table(
    ["statements that read many rows", "times", "rows at most", "rows in all"],
    statements.slice(0, STATEMENTS_SHOWN).map(({ text, times, rowsMax, rows }) => [
      `\`${text.slice(0, TEXT_SHOWN).replaceAll("|", "\\|")}\``,
      String(times),
      String(rowsMax),
      String(rows),
    ]),
  );
}

/** Rows of cells as a table of Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
