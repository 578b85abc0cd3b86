// deno-lint-ignore-file no-console -- the table is the output of a bench
import { V8_FLAGS } from "../../dev/v8_flags.ts";
import type { Bound } from "./bounds.ts";

/** One measured value, and the bound that it is judged by. */
export interface Row {
  readonly measure: string;
  /** Absent for values that explain others. */
  readonly bound?: Bound<unknown>;
  /** With its unit. */
  readonly measured: string;
  /** True when the bound was met; undefined without a bound, or when it could not be measured here. */
  readonly ok: boolean | undefined;
}

/** The `q` quantile (0 to 1) of values, by the nearest rank. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? NaN;
}

/** Rows as a table for a terminal or a note. */
export function renderTable(rows: readonly Row[], machine: string): string {
  const head = ["measure", "bound", "measured", "met"];
  const body = rows.map((row) => [row.measure, row.bound?.text ?? "-", row.measured, verdict(row)]);
  const widths = head.map((text, column) =>
    Math.max(text.length, ...body.map((cells) => cells[column]?.length ?? 0))
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [`machine: ${machine}`, "", line(head), rule, ...body.map(line)].join("\n");
}

function verdict({ bound, ok }: Row): string {
  if (ok === undefined) return bound === undefined ? "-" : "not measured";
  return ok ? "yes" : "NO";
}

/** Prints the table; the process ends with exit code 1 when a bound was not met. */
export function report(rows: readonly Row[]): void {
  console.log(renderTable(rows, machine()));
  if (rows.some(({ ok }) => ok === false)) Deno.exitCode = 1;
}

/** The machine, the versions, and the flags that the measured processes run with. */
export function machine(): string {
  const memoryGib = Deno.systemMemoryInfo().total / 1024 ** 3;
  const { os, arch } = Deno.build;
  return `${navigator.hardwareConcurrency} cores, ${
    memoryGib.toFixed(0)
  } GiB, ${os} ${Deno.osRelease()} ${arch}, Deno ${Deno.version.deno}, V8 ${Deno.version.v8} with ${V8_FLAGS}`;
}

/** The machine's other work, in the words of `uptime`. */
export function loadAverage(): string {
  return `Load average: ${Deno.loadavg().map((each) => each.toFixed(1)).join(", ")}.`;
}
