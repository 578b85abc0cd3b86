// deno-lint-ignore-file no-console -- a script whose output is for a person
/**
 * Runs every check and every test, prints a table of the suites, and `N passed, N failed` (and `, N skipped`) as its
 * last line.
 *
 * With `--all` a skipped test is a failure: the parts that it needs must be there. There the files of a few failed tests
 * run again, alone on the machine: a test that passes then is named with its error, and does not fail the run. SIGINT and
 * SIGTERM end the suites that run, and the processes that their tests have started.
 */
import { cpus } from "node:os";
import process from "node:process";
import { bundle } from "./compiling/bundle.ts";
import { repeatedSuites } from "./suites/failures.ts";
import { inGroups } from "./suites/groups.ts";
import { type Lane, type Suite, SUITES } from "./suites/list.ts";
import { SuiteProcess } from "./suites/process.ts";
import { afterRepeat, judged, type Outcome, renderOutcomes, totalOf } from "./suites/summary.ts";

const all = process.argv.includes("--all");
const started = { ms: performance.now(), processor: processorTimes() };
const folder = await Deno.makeTempDir({ prefix: "unkey-suites-" });
const root = new URL("../", import.meta.url);
const suites: SuiteProcess[] = [];
for (const suite of SUITES) suites.push(new SuiteProcess(await inGroups(suite, folder, root)));
const repeated: SuiteProcess[] = [];
let stopping = false;

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => void stop());
}

async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  await Promise.all([...suites, ...repeated].map((each) => each.stop()));
  await Deno.remove(folder, { recursive: true });
  process.exit(130);
}

/** Tests start the program many hundred times. */
async function bundleProgram(): Promise<void> {
  try {
    await bundle(`${folder}/program`);
    process.env["UNKEY_TEST_PROGRAM"] = `${folder}/program/main.js`;
  } catch (error) {
    console.error(`tests start main.ts, because it could not be bundled: ${error}`);
  }
}

async function runLane(lane: Lane): Promise<void> {
  for (const each of suites) if (each.suite.lane === lane && !stopping) await each.run();
}

async function shown(each: SuiteProcess): Promise<Outcome> {
  each.show();
  const outcome = await each.ended;
  console.log(`-- ${outcome.suite}: ${outcome.seconds.toFixed(0)} s`);
  return outcome;
}

/** Runs the failed tests again, and returns the outcomes that count. */
async function repeat(outcomes: readonly Outcome[]): Promise<Outcome[]> {
  const failed = outcomes.flatMap((outcome, index) => {
    const suite = SUITES[index];
    return suite === undefined || judged(outcome, all).failed === 0 ? [] : [{ ...outcome, suite }];
  });
  const again = new Map<string, Outcome>();
  for (const suite of all ? repeatedSuites(failed) : []) {
    if (stopping) break;
    console.log(`\n== ${suite.name}: failed tests again`);
    again.set(suite.name, await runAgain(suite));
  }
  return outcomes.map((outcome) => {
    const second = again.get(outcome.suite);
    return second === undefined ? outcome : afterRepeat(outcome, second);
  });
}

async function runAgain(suite: Suite): Promise<Outcome> {
  const each = new SuiteProcess(suite);
  repeated.push(each);
  void each.run();
  return await shown(each);
}

/** The errors of all suites once more: a log is often read from its end. */
function reportFailures(first: readonly Outcome[], last: readonly Outcome[]): void {
  for (const [index, { suite, failures, errors }] of first.entries()) {
    if (failures.length === 0) continue;
    const passed = last[index]?.failed === 0;
    console.log(`\n== ${suite}: ${passed ? "failed once, passed when it ran again" : "failed"}`);
    console.log(errors);
    for (const { test, file } of failures) {
      console.log(`${passed ? "unstable" : "failed"}: ${test} (${file})`);
    }
  }
}

/** Milliseconds of all cores since the machine started. */
function processorTimes(): { readonly idle: number; readonly total: number } {
  const times = cpus().flatMap(({ times }) => [times]);
  const idle = times.reduce((sum, each) => sum + each.idle, 0);
  const total = times.reduce((sum, each) => sum + each.idle + each.user + each.nice + each.sys + each.irq, 0);
  return { idle, total };
}

function report(outcomes: readonly Outcome[]): void {
  const skipped = outcomes.flatMap(({ suite, names }) => names.map((name) => `${suite}: ${name}`));
  if (skipped.length > 0) console.log(`\nskipped:\n${skipped.join("\n")}`);
  console.log(`\n${renderOutcomes(outcomes)}`);
  const { idle, total } = processorTimes();
  const busy = 100 - 100 * (idle - started.processor.idle) / (total - started.processor.total);
  const seconds = (performance.now() - started.ms) / 1_000;
  console.log(`all suites: ${seconds.toFixed(0)} s, ${cpus().length} cores ${busy.toFixed(0)} % busy`);
  const bad = outcomes.filter((each) => judged(each, all).failed > 0);
  if (bad.length > 0) {
    const text = bad.map(({ suite, skipped }) => skipped > 0 ? `${suite} (${skipped} skipped)` : suite);
    console.log(`\nfailed: ${text.join(", ")}`);
  }
  const counts = judged(totalOf(outcomes), all);
  console.log(
    `\n${counts.passed} passed, ${counts.failed} failed${
      counts.skipped > 0 ? `, ${counts.skipped} skipped` : ""
    }`,
  );
  process.exitCode = counts.failed > 0 ? 1 : 0;
}

await bundleProgram();
for (const lane of new Set(SUITES.map((suite) => suite.lane))) void runLane(lane);
const outcomes: Outcome[] = [];
for (const each of suites) {
  console.log(`\n== ${each.suite.name}`);
  outcomes.push(await shown(each));
}
if (!stopping) {
  const counted = await repeat(outcomes);
  if (!stopping) {
    reportFailures(outcomes, counted);
    report(counted);
  }
}
if (!stopping) await Deno.remove(folder, { recursive: true });
