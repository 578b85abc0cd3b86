import assert from "node:assert/strict";
import { renderChart } from "../bench/scale/chart.ts";
import { panelsOf } from "../bench/scale/panels.ts";
import { goodRun } from "./testing.ts";

/** Names of the elements, and the texts of those that are text. */
function read(svg: string): { names: Set<string>; texts: string[] } {
  const names = new Set([...svg.matchAll(/<([a-z]+)/g)].map(([, name = ""]) => name));
  const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, content = ""]) => content);
  return { names, texts };
}

/** The ends of a path's lines, in the order of the path. */
function lineOf(svg: string): number[][] {
  const [, path = ""] = /<path class="line"[^>]* d="([^"]*)"/.exec(svg) ?? [];
  return path.split(/[ML]/).slice(1).map((point) => point.split(" ").map(Number));
}

Deno.test("a chart names each curve, panel and unit as text, and is paths and text only", () => {
  const { names, texts } = read(renderChart("Four deploys", panelsOf(goodRun())));
  assert.deepEqual(names, new Set(["svg", "title", "style", "text", "g", "path"]));
  for (const text of ["Four deploys", "Memory (MiB)", "api", "one edge", "switched p99", "minutes"]) {
    assert.ok(texts.includes(text), text);
  }
});

Deno.test("a chart's elements are closed, and markup in a name stays text", () => {
  const panels = [{ title: "a < b & c", unit: "MiB", series: [{ name: "<script>", points: [] }] }];
  const svg = renderChart("x", panels);
  assert.equal(
    svg.match(/<(?:svg|g|text|style|title)\b/g)?.length,
    svg.match(/<\/(?:svg|g|text|style|title)>/g)?.length,
  );
  assert.ok(svg.includes(">a &lt; b &amp; c (MiB)</text>"));
  assert.ok(!svg.includes("<script"));
});

Deno.test("a curve goes from the left to the right of its panel, and up when its value grows", () => {
  const points = [[0, 0], [1, 5], [2, 10]] as const;
  const line = lineOf(renderChart("x", [{ title: "t", unit: "u", series: [{ name: "n", points }] }]));
  assert.deepEqual(line, [[56, 192], [250, 118], [444, 44]]);
});

Deno.test("a curve with thousands of points keeps its peak", () => {
  const points = Array.from({ length: 5_000 }, (_, n) => [n, n === 2_345 ? 10 : 1] as const);
  const line = lineOf(renderChart("x", [{ title: "t", unit: "u", series: [{ name: "n", points }] }]));
  assert.ok(line.length <= 400);
  assert.equal(Math.min(...line.map(([, y = NaN]) => y)), 44);
});

Deno.test("a chart without any value has axes and no curve", () => {
  const svg = renderChart("x", [{ title: "t", unit: "u", series: [{ name: "n", points: [] }] }]);
  assert.deepEqual(lineOf(svg), []);
  assert.ok(!svg.includes("NaN"));
});

Deno.test("curves of a run count its deploys by the minute, and its costs by the second", () => {
  const panels = panelsOf(goodRun());
  const curve = (title: string, name: string) =>
    panels.find((each) => each.title === title)?.series.find((each) => each.name === name)?.points;
  assert.deepEqual(curve("Throughput", "created"), [[0, 6], [0.5, 6], [1, 6], [1.5, 6]]);
  const long = panelsOf(goodRun({ loadMs: 1_800_000 })).find(({ title }) => title === "Throughput");
  assert.deepEqual(long?.series[0]?.points, [[0, 2], [1, 2]]);
  // 8 seconds of processor time, and 800 statements, in each minute.
  assert.deepEqual(curve("Processor", "api")?.map(([x, y]) => [x, Math.round(y)]), [[1, 13], [2, 13]]);
  assert.deepEqual(curve("Database", "statements")?.map(([, y]) => Math.round(y)), [13, 13]);
});
