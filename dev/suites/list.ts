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
 * The suites of a lane run one after the other, and the lanes beside each other: each has about a third of the time, and
 * suites that need a core all the time beside some that wait for containers, Restate and timers. "cluster" stops parts of
 * Kubernetes that no other lane uses.
 */
export type Lane = "first" | "second" | "cluster";

const TESTS = ["test", "-A", "--quiet", "--no-check"];

function check(name: string, args: readonly string[]): Suite {
  return { name, args, counts: false, lane: "first" };
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
  tests("architecture", "first", ["tests/architecture"]),
  grouped(tests("units", "first", ["pkg", "cmd", "svc", "dev"])),
  grouped(tests("integration", "second", ["tests/integration", "tests/golden"])),
  tests("sharding", "first", ["tests/sharding"]),
  tests("differential", "cluster", ["tests/differential"]),
  tests("chaos", "second", ["tests/chaos"]),
  tests("end to end", "first", ["tests/e2e", `--ignore=${MACHINES.join()}`]),
  tests("upgrade", "second", ["tests/upgrade"]),
  tests("kubernetes", "cluster", ["tests/kubernetes"]),
  tests("machines", "cluster", MACHINES),
  tests("scale", "cluster", ["tests/scale"]),
];
