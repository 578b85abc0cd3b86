/** The failed tests of a suite from the output of `deno test`, and the second run that a few of them get. */
import { optionsOf } from "./groups.ts";
import type { Suite } from "./list.ts";

/** A test that failed, whichever of its steps did. */
export interface Failure {
  /** Relative to the root of the project, e.g. `./pkg/db/replica_test.ts`, or a group's file outside of it. */
  readonly file: string;
  readonly test: string;
}

/** More failures than that are no accident of a busy machine. */
export const REPEATED_FILES_MAX = 3;
/** A part of the output, so that the end of a run shows the errors of every suite. */
const ERRORS_CHARACTERS_MAX = 12_000;

const HEADING_OF_ERRORS = "\n ERRORS \n";
const HEADING_OF_FAILURES = "\n FAILURES \n";
const IN_A_TEST = /^(.+) => (\.\/\S+):\d+:\d+$/;
const OUTSIDE_OF_TESTS = /^(\.{1,2}\/\S+) \(uncaught error\)$/;

/** Reads the list that deno prints last. A test with several failed steps is one failure. */
export function parseFailures(output: string): Failure[] {
  const start = output.lastIndexOf(HEADING_OF_FAILURES);
  if (start < 0) return [];
  const found = new Map<string, Failure>();
  for (const line of output.slice(start).split("\n")) {
    const failure = parseFailure(line);
    if (failure !== undefined) found.set(`${failure.file} ${failure.test}`, failure);
  }
  return [...found.values()];
}

function parseFailure(line: string): Failure | undefined {
  const [, outside] = OUTSIDE_OF_TESTS.exec(line) ?? [];
  if (outside !== undefined) return { file: outside, test: "(uncaught error)" };
  const [, name, file] = IN_A_TEST.exec(line) ?? [];
  const [test] = name?.split(" ... ") ?? [];
  return test === undefined || file === undefined ? undefined : { file, test };
}

/** The errors that deno prints before its list of failures. */
export function parseErrors(output: string): string {
  const [start, end] = [output.lastIndexOf(HEADING_OF_ERRORS), output.lastIndexOf(HEADING_OF_FAILURES)];
  if (start < 0 || end < start) return "";
  return output.slice(start + HEADING_OF_ERRORS.length, end).trim().slice(0, ERRORS_CHARACTERS_MAX);
}

/**
 * The suites that run the files of the failed tests again. Empty when there are too many, or when a failure is no
 * test's: a process that crashed or was stopped has no list.
 */
export function repeatedSuites(
  failed: readonly {
    readonly suite: Suite;
    readonly failed: number;
    readonly skipped: number;
    readonly failures: readonly Failure[];
  }[],
): Suite[] {
  const files = new Set(failed.flatMap(({ failures }) => failures.map(({ file }) => file)));
  if (files.size > REPEATED_FILES_MAX) return [];
  if (failed.some((each) => each.skipped > 0 || each.failures.length !== each.failed)) return [];
  return failed.map(({ suite, failures }) => ({
    ...suite,
    args: [...optionsOf(suite), ...new Set(failures.map(({ file }) => file))],
  }));
}
