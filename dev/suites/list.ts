/** The suites of checks and tests, and which of them run beside each other. */

/** One suite: a call of Deno. */
export interface Suite {
  readonly name: string;
  readonly args: readonly string[];
  /** `true`: the tests of deno's summary line are counted. `false`: the exit code counts as one test. */
  readonly counts: boolean;
  readonly lane: Lane;
  /** Many test files in one isolate, see `groups.ts`. */
  readonly grouped?: true;
}

/**
 * The suites of a lane run one after the other, and the lanes beside each other. "compute" needs a core all the time;
 * "wait" waits for containers, Restate and timers for more than half of its time; "cluster" waits for Kubernetes, and
 * stops parts of it that no other lane uses.
 */
export type Lane = "compute" | "wait" | "cluster";

const TESTS = ["test", "-A", "--quiet", "--no-check"];

function check(name: string, args: readonly string[]): Suite {
  return { name, args, counts: false, lane: "compute" };
}

function tests(name: string, lane: Lane, paths: readonly string[]): Suite {
  return { name, args: [...TESTS, ...paths], counts: true, lane };
}

function grouped(suite: Suite): Suite {
  return { ...suite, grouped: true };
}

/** End-to-end tests with a whole machine, engine or disk of their own. They run in the lane that ends first. */
export const MACHINES = [
  "compose",
  "executable",
  "full_disk",
  "image_platforms",
  "newest_engine",
  "release",
  "server",
  "stores",
].map((name) => `tests/e2e/${name}_test.ts`);

/** In the order in which they are shown. */
export const SUITES: readonly Suite[] = [
  check("format", ["fmt", "--check", "--quiet"]),
  check("lint", ["lint", "--quiet"]),
  check("types", ["task", "--quiet", "check"]),
  check("generated code", ["task", "--quiet", "gen", "--check"]),
  tests("architecture", "compute", ["tests/architecture"]),
  grouped(tests("units", "compute", ["pkg", "cmd", "svc", "dev"])),
  grouped(tests("integration", "wait", ["tests/integration", "tests/golden"])),
  tests("sharding", "compute", ["tests/sharding"]),
  tests("differential", "compute", ["tests/differential"]),
  tests("chaos", "compute", ["tests/chaos"]),
  tests("end to end", "wait", ["tests/e2e", `--ignore=${MACHINES.join()}`]),
  tests("upgrade", "wait", ["tests/upgrade"]),
  tests("kubernetes", "cluster", ["tests/kubernetes"]),
  tests("machines", "cluster", MACHINES),
  tests("scale", "cluster", ["tests/scale"]),
];
