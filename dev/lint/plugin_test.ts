import assert from "node:assert/strict";
import plugin from "./plugin.ts";

const CASES: readonly { name: string; file: string; source: string; reports: number }[] = [
  { name: "the clock in a service", file: "/x/svc/krane/run.ts", source: "Date.now();", reports: 1 },
  { name: "the clock in its home", file: "/x/pkg/clock/mod.ts", source: "Date.now();", reports: 0 },
  {
    name: "the environment in a package",
    file: "/x/pkg/db/mod.ts",
    source: "Deno.env.get('A');",
    reports: 1,
  },
  { name: "the environment in main.ts", file: "/x/main.ts", source: "Deno.env.get('A');", reports: 0 },
  { name: "the process's environment", file: "/x/cmd/up/up.ts", source: "process.env.A;", reports: 1 },
  { name: "leaving from the depth", file: "/x/cmd/up/up.ts", source: "Deno.exit(1);", reports: 1 },
  { name: "randomness in a test", file: "/x/svc/a_test.ts", source: "Math.random();", reports: 0 },
  { name: "randomness in a workflow", file: "/x/svc/a.ts", source: "Math.random();", reports: 1 },
];

Deno.test("house/no-literal-accessor lets classes have accessors, and object literals not", () => {
  const count = (source: string): number => Deno.lint.runPlugin(plugin, "/x/pkg/a.ts", source).length;
  assert.equal(count("const a = { get b() { return 1; } };"), 1);
  assert.equal(count("const a = { b: 1, c() { return 1; } };"), 0);
  assert.equal(count("class A { get b() { return 1; } }"), 0);
});

Deno.test("house/linear-patterns refuses patterns that a stranger can slow down, outside of tests", () => {
  const count = (file: string): number =>
    Deno.lint.runPlugin(plugin, file, 'const [a, b, c] = [/\\r+$/, "x+$", 1];').length;
  assert.deepEqual([count("/x/pkg/a.ts"), count("/x/pkg/a_test.ts")], [1, 0]);
});

const COMMENTS: readonly { source: string; reports: number }[] = [
  { source: "/** What a build needs. */\nconst a = 1;", reports: 1 },
  { source: "/**\n * How a build ends.\n */\nconst a = 1;", reports: 1 },
  { source: "/** Whether it ran. */\nconst a = 1;", reports: 1 },
  { source: "/** Whoever asks gets an answer. */\nconst a = 1;", reports: 1 },
  { source: "// Here nobody listens.\nconst a = 1;", reports: 1 },
  { source: "/** A row. One that is old goes. */\nconst a = 1;", reports: 1 },
  { source: "/**\n * A row:\n * The one who asks waits.\n */\nconst a = 1;", reports: 1 },
  { source: "/** The edge is told of a switch. */\nconst a = 1;", reports: 1 },
  { source: "// A change is no news.\nconst a = 1;", reports: 1 },
  { source: "/** The newest change, as reported. */\nconst a = 1;", reports: 0 },
  { source: "/** True when a build ended. */\nconst a = 1;", reports: 0 },
  { source: "/** Tells what a build needs, and how it ends. */\nconst a = 1;", reports: 0 },
  { source: "/** A newer row replaces the one that is there. */\nconst a = 1;", reports: 0 },
  { source: 'const a = "nobody";', reports: 0 },
];

Deno.test("house/plain-comments refuses sentences without a noun for a subject", async (t) => {
  for (const { source, reports } of COMMENTS) {
    await t.step(source.replaceAll("\n", " "), () => {
      assert.equal(Deno.lint.runPlugin(plugin, "/x/main.ts", source).length, reports);
    });
  }
});

Deno.test("house/no-ambient keeps ambient state in its home", async (t) => {
  for (const { name, file, source, reports } of CASES) {
    await t.step(name, () => {
      assert.equal(Deno.lint.runPlugin(plugin, file, source).length, reports);
    });
  }
});
