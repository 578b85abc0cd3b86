/** The page of a search as text. */
import assert from "node:assert/strict";
import { renderToString } from "preact-render-to-string";
import { SelectedLine, wholeText } from "../logs/selected_line.tsx";
import { SearchForm } from "./form.tsx";
import { summaryOf } from "./page.tsx";
import { NO_QUERY } from "./query.ts";

const STATE = {
  lines: [],
  earlier: 0,
  isReading: false,
  cursor: "",
  searchedSinceMs: 0,
  deploymentsLeftOut: false,
  problem: undefined,
};

Deno.test("a search says how far it looked", () => {
  assert.equal(summaryOf(STATE), "0 lines; all of that time was searched.");
  const cut = { ...STATE, cursor: "more", searchedSinceMs: Date.UTC(2026, 11, 1) };
  assert.equal(summaryOf(cut), "0 lines; searched back to 2026-12-01T00:00:00.000Z.");
  assert.match(summaryOf({ ...STATE, deploymentsLeftOut: true }), /the newest 200 deployments/);
  assert.equal(summaryOf({ ...cut, isReading: true }), "0 lines, searching …");
});

Deno.test("the form of a search has the time of a link, and a deployment in the place of projects", () => {
  const scopes = { projects: [], environments: [], problem: undefined };
  const html = (query = {}): string =>
    renderToString(
      <SearchForm
        query={{ ...NO_QUERY, ...query }}
        scopes={scopes}
        onProject={() => undefined}
        onSearch={() => undefined}
      />,
    );
  assert.match(html({ since: "2026-12-01T00:00:00Z" }), /since 2026-12-01T00:00:00Z/);
  assert.match(html(), /choose one/);
  assert.match(html({ deployment: "d_1" }), /<option[^>]*value="d_1"/);
  assert.doesNotMatch(html({ deployment: "d_1" }), /choose one/);
});

Deno.test("a selected line is shown in whole, JSON with a field in each row, and never as markup", () => {
  assert.equal(wholeText('{"a":1,"b":[2]}'), '{\n  "a": 1,\n  "b": [\n    2\n  ]\n}');
  assert.equal(wholeText('{"a":'), '{"a":');
  const line = {
    source: "app",
    origin: "shop-1",
    text: "<b>x</b>",
    isError: false,
    atMs: Date.UTC(2026, 11, 1),
    sequence: 0,
    index: 0,
  } as const;
  const html = renderToString(<SelectedLine line={line} href="/logs" onClose={() => undefined} />);
  assert.match(html, />&lt;b>x&lt;\/b><\/pre>/);
  assert.match(html, /2026-12-01T00:00:00\.000Z<\/time>/);
});
