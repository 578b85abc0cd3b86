/** The page of metrics, and the rules for all of them. */
import assert from "node:assert/strict";
import { CATALOGUE, metricsList } from "../../dev/metrics_page.ts";

const ROOT = new URL("../../", import.meta.url);
const PAGE = new URL("docs/operate/metrics.md", ROOT);
const BEGIN = "<!-- metrics: generated -->\n";
const END = "<!-- end of metrics -->";
const UPDATE = Deno.env.get("UPDATE_GOLDEN") === "1";

const SPECS = CATALOGUE.flatMap(({ specs }) => specs);

/**
 * Labels, each with few values: those of a closed list in the code (codes, statuses, methods, names of loops), or of
 * what an operator sets up (regions). Ids, host names, addresses and names that users choose are without end.
 */
const LABELS = new Set([
  "code",
  "direction",
  "end",
  "event",
  "handler",
  "kind",
  "level",
  "loop",
  "method",
  "metric",
  "procedure",
  "reader",
  "reason",
  "region",
  "result",
  "service",
  "state",
  "statement",
  "status",
  "step",
  "watch",
]);

Deno.test("docs/operate/metrics.md lists every metric", async () => {
  const text = await Deno.readTextFile(PAGE);
  const begin = text.indexOf(BEGIN) + BEGIN.length;
  const end = text.indexOf(END);
  assert.ok(begin >= BEGIN.length && end > begin, "the page has both marks");
  const expected = await formatted(`${text.slice(0, begin)}\n${metricsList()}\n${text.slice(end)}`);
  if (UPDATE) await Deno.writeTextFile(PAGE, expected);
  else assert.equal(text, expected, "deno task golden writes the list");
});

async function formatted(markdown: string): Promise<string> {
  const fmt = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext", "md", "-"],
    cwd: ROOT.pathname,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = fmt.stdin.getWriter();
  await writer.write(new TextEncoder().encode(markdown));
  await writer.close();
  const { code, stdout } = await fmt.output();
  assert.equal(code, 0);
  return new TextDecoder().decode(stdout);
}

async function* sources(folder: URL): AsyncGenerator<URL> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* sources(new URL(`${name}/`, folder));
    else if (name.endsWith(".ts") && !name.endsWith("_test.ts")) yield new URL(name, folder);
  }
}

Deno.test("every metric that is declared is in the list, once", async () => {
  const declared: string[] = [];
  for (const folder of ["pkg/", "svc/", "cmd/"]) {
    for await (const file of sources(new URL(folder, ROOT))) {
      const text = await Deno.readTextFile(file);
      const found = text.matchAll(/^ {2}\w+: (?:counter|gauge|histogram)\(\s*"(\w+)"/gm);
      declared.push(...Array.from(found, ([, name = ""]) => name));
    }
  }
  assert.ok(declared.length > 50, "the scan finds them");
  assert.deepEqual(declared.toSorted(), SPECS.map(({ name }) => name).toSorted());
});

Deno.test("no metric has a label whose values are without end", () => {
  for (const { name, labels } of SPECS) {
    for (const label of labels) assert.ok(LABELS.has(label), `${name} has the label ${label}`);
  }
});

Deno.test("names of metrics say their unit, and help texts are sentences", () => {
  for (const { name, kind, help } of SPECS) {
    assert.match(name, /^(unkey|process)_[a-z_]+$/);
    assert.equal(name.endsWith("_total"), kind === "counter", `${name} is a ${kind}`);
    if (kind === "histogram") assert.match(name, /_seconds$/);
    assert.match(help, /^[A-Z1].*\.$/, name);
  }
});
