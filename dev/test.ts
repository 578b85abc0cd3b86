// deno-lint-ignore-file no-console -- a script whose output is for a person
/**
 * Runs every check and every test, and prints `N passed, N failed` (and `, N skipped`) as its last line.
 *
 * With `--all` a skipped test is a failure: the parts that it needs must be there. SIGINT and SIGTERM end the suites that
 * run, and the processes that their tests have started.
 */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Outcome extends Counts {
  /** Names of the tests that were skipped. */
  readonly names: readonly string[];
}

interface Suite {
  readonly name: string;
  readonly args: readonly string[];
  /** Whether deno's own summary line is counted; otherwise the exit code is one test. */
  readonly counts: boolean;
  /**
   * Runs beside this suite and those after it, and is shown when its own turn comes. For suites that mostly wait, and use
   * no part of the machine that the others stop.
   */
  readonly startsWith?: string;
}

/** How much of a suite's output is kept to be read: more than any suite prints. */
const OUTPUT_CHARACTERS_MAX = 5_000_000;
/** How long what a signal ends may take. */
const STOP_MS = 15_000;
const TESTS = ["test", "-A", "--quiet", "--no-check"];

const SUITES: readonly Suite[] = [
  { name: "format", args: ["fmt", "--check", "--quiet"], counts: false },
  { name: "lint", args: ["lint", "--quiet"], counts: false },
  { name: "types", args: ["task", "--quiet", "check"], counts: false },
  { name: "generated code", args: ["task", "--quiet", "gen", "--check"], counts: false },
  { name: "units", args: [...TESTS, "pkg", "cmd", "svc", "dev"], counts: true },
  { name: "architecture", args: [...TESTS, "tests/architecture"], counts: true },
  { name: "integration", args: [...TESTS, "tests/integration", "tests/golden"], counts: true },
  { name: "differential", args: [...TESTS, "tests/differential"], counts: true },
  { name: "end to end", args: [...TESTS, "tests/e2e"], counts: true },
  { name: "chaos", args: [...TESTS, "tests/chaos"], counts: true },
  { name: "kubernetes", args: [...TESTS, "tests/kubernetes"], counts: true, startsWith: "units" },
];

/** Reads deno's summary, e.g. `ok | 12 passed (3 steps) | 0 failed | 1 ignored (4s)`. */
export function parseSummary(output: string): Counts | undefined {
  const line = output.match(
    /(\d+) passed(?: \([^)]*\))? \| (\d+) failed(?: \([^)]*\))?(?: \| (\d+) ignored)?/,
  );
  if (line === null) return undefined;
  return { passed: Number(line[1]), failed: Number(line[2]), skipped: Number(line[3] ?? 0) };
}

/** Names of the tests that deno says it ignored. */
export function parseSkipped(output: string): string[] {
  return [...output.matchAll(/^(.+) \.\.\. ignored \(/gm)].map(([, name = ""]) => name);
}

const running = new Set<ChildProcess>();
/** Set by a signal. */
let stopping: Promise<unknown> | undefined;

/** Ends the processes of a suite, in order if they can. */
async function stop({ pid: leader }: ChildProcess): Promise<void> {
  if (leader === undefined) return;
  signalGroup(leader, "SIGTERM");
  const deadline = performance.now() + STOP_MS;
  while (signalGroup(leader, 0) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  signalGroup(leader, "SIGKILL");
}

/** Whether there was still somebody in the group. */
function signalGroup(leader: number, signal: "SIGTERM" | "SIGKILL" | 0): boolean {
  try {
    return process.kill(-leader, signal);
  } catch {
    return false;
  }
}

/** A suite that runs. */
interface Running {
  /** Prints what there is and what comes, and waits for the end. */
  show(): Promise<Outcome>;
}

function start(suite: Suite): Running {
  const startedMs = performance.now();
  const child = spawn(Deno.execPath(), [...suite.args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
    // A group of its own.
    detached: true,
  });
  running.add(child);
  let output = "";
  let shown = false;
  const keep = (chunk: Uint8Array): void => {
    if (shown) process.stdout.write(chunk);
    output = (output + new TextDecoder().decode(chunk)).slice(-OUTPUT_CHARACTERS_MAX);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const ended = new Promise<{ outcome: Outcome; tookMs: number }>((resolve) => {
    child.on("close", (code) => {
      running.delete(child);
      resolve({ outcome: outcomeOf(suite, code, output), tookMs: performance.now() - startedMs });
    });
  });
  return {
    async show() {
      console.log(`\n== ${suite.name}`);
      shown = true;
      process.stdout.write(output);
      const { outcome, tookMs } = await ended;
      console.log(`-- ${suite.name}: ${Math.round(tookMs / 1000)} s`);
      return outcome;
    },
  };
}

function outcomeOf(suite: Suite, code: number | null, output: string): Outcome {
  const names = parseSkipped(output);
  const counted = suite.counts ? parseSummary(output) : undefined;
  if (counted === undefined) {
    return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0, names };
  }
  // A suite can fail beside its tests, e.g. with an uncaught error.
  return { ...counted, failed: code !== 0 && counted.failed === 0 ? 1 : counted.failed, names };
}

async function main(): Promise<void> {
  const all = process.argv.includes("--all");
  const total = { passed: 0, failed: 0, skipped: 0 };
  const bad: string[] = [];
  const skippedNames: string[] = [];
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => void (stopping ??= Promise.all([...running].map(stop))));
  }
  const started = new Map<Suite, Running>();
  for (const suite of SUITES) {
    const beside = SUITES.filter((each) => each.startsWith === suite.name);
    for (const each of [suite, ...beside]) started.set(each, started.get(each) ?? start(each));
    const outcome = await started.get(suite)?.show();
    if (outcome === undefined) throw new Error(`${suite.name} was not started`);
    if (stopping !== undefined) {
      await stopping;
      process.exit(130);
    }
    total.passed += outcome.passed;
    total.failed += outcome.failed;
    total.skipped += outcome.skipped;
    skippedNames.push(...outcome.names.map((name) => `${suite.name}: ${name}`));
    if (outcome.failed > 0) bad.push(suite.name);
    if (all && outcome.skipped > 0) {
      bad.push(`${suite.name} (${outcome.skipped} skipped)`);
      total.failed += outcome.skipped;
      total.skipped -= outcome.skipped;
    }
  }
  if (skippedNames.length > 0) console.log(`\nskipped:\n${skippedNames.join("\n")}`);
  if (bad.length > 0) console.log(`\nfailed: ${bad.join(", ")}`);
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
  console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
  process.exitCode = total.failed > 0 ? 1 : 0;
}

if (import.meta.main) await main();
