/** Alert rules, their runbook and the dashboard speak of metrics, alerts and commands that exist. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { z } from "zod";
import { CATALOGUE } from "../../dev/metrics_page.ts";
import { expressionsOf, readDashboard } from "../observe/dashboard.ts";

const ROOT = new URL("../../", import.meta.url);

const Rules = z.object({
  groups: z.array(z.object({
    rules: z.array(z.object({
      alert: z.string(),
      expr: z.string(),
      labels: z.object({ severity: z.enum(["page", "ticket"]) }),
      annotations: z.object({ summary: z.string(), runbook_url: z.string() }),
    })),
  })),
});
const Tests = z.object({
  tests: z.array(z.object({
    name: z.string(),
    promql_expr_test: z.array(z.object({ expr: z.string(), exp_samples: z.array(z.unknown()) })),
  })),
});

async function read(path: string): Promise<string> {
  return await Deno.readTextFile(new URL(path, ROOT));
}

const RULES = Rules.parse(parse(await read("dev/observe/alerts.yaml"))).groups.flatMap(({ rules }) => rules);

/** The names that a declared metric has in Prometheus. */
const NAMES = new Set(
  CATALOGUE.flatMap(({ specs }) => specs).flatMap(({ name, kind }) =>
    kind === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]
  ),
);

/** Metrics that an expression speaks of; `up` is Prometheus' own. */
function metricsIn(expr: string): string[] {
  return Array.from(expr.matchAll(/\b(?:unkey|process)_[a-z_]+/g), ([name]) => name);
}

Deno.test("alerts and dashboard ask for metrics that there are", async () => {
  const dashboard = await readDashboard();
  const expressions = [...RULES.map(({ expr }) => expr), ...expressionsOf(dashboard)];
  assert.ok(expressions.length > 70, "the scan finds them");
  for (const expr of expressions) {
    const names = metricsIn(expr);
    for (const name of names) assert.ok(NAMES.has(name), `${name} in ${expr}`);
    assert.ok(names.length > 0 || expr.startsWith("up{"), expr);
  }
});

Deno.test("most metrics are in an alert or on the dashboard", async () => {
  const dashboard = await readDashboard();
  const used = new Set([...RULES.map(({ expr }) => expr), ...expressionsOf(dashboard)].flatMap(metricsIn));
  const unused = CATALOGUE.flatMap(({ specs }) => specs).filter(({ name, kind }) =>
    !used.has(name) &&
    !(kind === "histogram" && [`${name}_bucket`, `${name}_sum`].some((each) => used.has(each)))
  );
  assert.ok(
    unused.length < CATALOGUE.flatMap(({ specs }) => specs).length / 4,
    unused.map((each) => each.name).join(),
  );
});

Deno.test("each alert has a page of its own name that says what happened, why, and what to do", async () => {
  const page = await read("docs/operate/alerts.md");
  const sections = new Map(
    page.split(/^## /m).slice(1).map((each) => [each.slice(0, each.indexOf("\n")), each]),
  );
  assert.deepEqual([...sections.keys()].toSorted(), RULES.map(({ alert }) => alert).toSorted());
  for (const { alert, annotations } of RULES) {
    assert.equal(annotations.runbook_url, `docs/operate/alerts.md#${alert.toLowerCase()}`);
    assert.match(annotations.summary, /^\S.*\.$/);
    const section = sections.get(alert) ?? "";
    for (const part of ["**What happened.**", "**Why.**", "**What to do.**\n\n1. "]) {
      assert.ok(section.includes(part), `${alert}: ${part}`);
    }
  }
});

Deno.test("each alert has a case in which it fires, and one in which it does not", async () => {
  const cases = Tests.parse(parse(await read("dev/observe/alerts_test.yaml"))).tests;
  for (const { alert } of RULES) {
    const own = cases.filter(({ name }) => name.startsWith(`${alert} `));
    const samples = own.map(({ promql_expr_test: [check] }) => {
      assert.equal(check?.expr, `count(ALERTS{alertname="${alert}",alertstate="firing"})`);
      return check.exp_samples.length;
    });
    assert.deepEqual(samples, [1, 0], alert);
  }
});

Deno.test("commands and flags of the runbook are those of the program", async () => {
  const [page, reference] = await Promise.all(["docs/operate/alerts.md", "docs/cli.md"].map(read));
  const spans = Array.from((page ?? "").matchAll(/`([^`\n]+)`/g), ([, span = ""]) => span);
  const commands = spans.filter((each) => each.startsWith("unkey "));
  assert.ok(commands.length > 5, "the scan finds them");
  for (const command of commands) {
    const words = command.split(/ [-<]/)[0]?.split(" ") ?? [];
    assert.ok(reference?.includes(`\n## ${words.join(" ")}\n`), command);
  }
  for (
    const flag of spans.flatMap((each) => each.match(/--[a-z-]+/g) ?? []).filter((each) => !FOREIGN.has(each))
  ) {
    assert.ok(reference?.includes(`${flag} `) || reference?.includes(`${flag}\n`), flag);
  }
});

/** Flags of journalctl, docker and kubectl. */
const FOREIGN = new Set(["--since", "--filter", "--raw", "--sort-by"]);
