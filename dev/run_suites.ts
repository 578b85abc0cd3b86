// deno-lint-ignore-file no-console -- a script whose output is for a person
/**
 * Runs every check and every test, prints a table of the suites, and `N passed, N failed` (and `, N skipped`) as its
 * last line.
 *
 * With `--all` a skipped test is a failure: the parts that it needs must be there. SIGINT and SIGTERM end the suites that
 * run, and the processes that their tests have started.
 */
import { cpus } from "node:os";
import process from "node:process";
import { type Lane, SUITES } from "./suites/list.ts";
import { SuiteProcess } from "./suites/process.ts";
import { judged, type Outcome, renderOutcomes, totalOf } from "./suites/summary.ts";

const all = process.argv.includes("--all");
const started = { ms: performance.now(), processor: processorTimes() };
const suites = SUITES.map((suite) => new SuiteProcess(suite));
let stopping = false;

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => void stop());
}

async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  await Promise.all(suites.map((each) => each.stop()));
  process.exit(130);
}

async function runLane(lane: Lane): Promise<void> {
  for (const each of suites) if (each.suite.lane === lane && !stopping) await each.run();
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

for (const lane of new Set(SUITES.map((suite) => suite.lane))) void runLane(lane);
const outcomes: Outcome[] = [];
for (const each of suites) {
  console.log(`\n== ${each.suite.name}`);
  each.show();
  const outcome = await each.ended;
  outcomes.push(outcome);
  console.log(`-- ${outcome.suite}: ${outcome.seconds.toFixed(0)} s`);
}
if (!stopping) report(outcomes);
