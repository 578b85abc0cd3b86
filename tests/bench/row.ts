/** One measured bound. */
export interface Row {
  readonly measure: string;
  /** As the design states it, e.g. `< 10 s`. */
  readonly bound: string;
  /** With its unit. */
  readonly measured: string;
  /** Whether the bound was met; undefined when it could not be measured here. */
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
  const body = rows.map(({ measure, bound, measured, ok }) => [measure, bound, measured, verdict(ok)]);
  const widths = head.map((text, column) =>
    Math.max(text.length, ...body.map((cells) => cells[column]?.length ?? 0))
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [`machine: ${machine}`, "", line(head), rule, ...body.map(line)].join("\n");
}

function verdict(ok: boolean | undefined): string {
  if (ok === undefined) return "not measured";
  return ok ? "yes" : "NO";
}

/** What the numbers were measured on. */
export function machine(): string {
  const memoryGib = Deno.systemMemoryInfo().total / 1024 ** 3;
  const { os, arch } = Deno.build;
  return `${navigator.hardwareConcurrency} cores, ${
    memoryGib.toFixed(0)
  } GiB, ${os} ${Deno.osRelease()} ${arch}, Deno ${Deno.version.deno}`;
}
