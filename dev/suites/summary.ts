/** The counts of a suite from the output of `deno test`, and the table that a run ends with. */

import type { Failure } from "./failures.ts";

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Ignored tests and ignored steps of tests that ran. */
  readonly skipped: number;
}

/** A suite that ended. */
export interface Outcome extends Counts {
  readonly suite: string;
  readonly seconds: number;
  /** Names of the tests and steps that were skipped. */
  readonly names: readonly string[];
  readonly failures: readonly Failure[];
  /** The errors of the failures, as deno prints them. */
  readonly errors: string;
}

const COUNT = (word: string): string => String.raw`(\d+) ${word}(?: \((\d+) steps?\))?`;
/** As `report_summary` of deno's test reporters writes it. */
const SUMMARY = new RegExp(
  String.raw`^(?:ok|FAILED) \| ${COUNT("passed")} \| ${COUNT("failed")}(?: \| ${COUNT("ignored")})?` +
    String.raw`(?: \| \d+ measured)?(?: \| \d+ filtered out)? \([^()]+\)$`,
  "gm",
);

/**
 * Reads deno's summary line, e.g. `ok | 12 passed (3 steps) | 0 failed | 0 ignored (1 step) (4s)`. The last one counts:
 * tests may print such lines too. A failed step fails its test, an ignored one does not, so it is counted here.
 */
export function parseSummary(output: string): Counts | undefined {
  const line = [...output.matchAll(SUMMARY)].at(-1);
  if (line === undefined) return undefined;
  const [passed, , failed, , ignored, ignoredSteps] = line.slice(1).map((each) => Number(each ?? 0));
  if (passed === undefined || failed === undefined) return undefined;
  return { passed, failed, skipped: (ignored ?? 0) + (ignoredSteps ?? 0) };
}

/** Names of the tests and steps that deno reports as ignored. */
export function parseSkipped(output: string): string[] {
  return [...output.matchAll(/^ *(\S.*) \.\.\. ignored \([^()]+\)$/gm)].map(([, name = ""]) => name);
}

/** With `all`, a skipped test is a failed one. */
export function judged(counts: Counts, all: boolean): Counts {
  const { passed, failed, skipped } = counts;
  return all ? { passed, failed: failed + skipped, skipped: 0 } : { passed, failed, skipped };
}

/** The outcome of a suite whose failed tests passed when they ran again. */
export function afterRepeat(first: Outcome, again: Counts): Outcome {
  if (again.failed > 0 || again.skipped > 0) return first;
  return { ...first, passed: first.passed + first.failed, failed: 0 };
}

export function totalOf(all: readonly Counts[]): Counts {
  const sum = (key: keyof Counts): number => all.reduce((total, each) => total + each[key], 0);
  return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
}

/** Which suite took how long, and how its tests ended. */
export function renderOutcomes(outcomes: readonly Outcome[]): string {
  const head = ["suite", "seconds", "passed", "failed", "skipped"];
  const rows = outcomes.map(({ suite, seconds, passed, failed, skipped }) => [
    suite,
    ...[seconds, passed, failed, skipped].map((each) => each.toFixed(0)),
  ]);
  const widths = head.map((text, column) =>
    Math.max(text.length, ...rows.map((cells) => cells[column]?.length ?? 0))
  );
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    }).join("  ");
  return [head, ...rows].map(line).join("\n");
}
