import assert from "node:assert/strict";
import { addressOf, commandOf, lineAddress, linkedSearch, NO_QUERY, queryOf, rangeOf } from "./query.ts";

const QUERY = {
  ...NO_QUERY,
  project: "proj_1",
  environment: "production",
  text: "can't connect*",
  level: "error",
  region: "eu",
  instance: "shop-",
  since: "6h",
  until: "2026-12-01T08:00:00.000Z",
};

Deno.test("a query is in its address, and comes back from it", () => {
  const address = addressOf(QUERY);
  assert.match(address, /^\/logs\?project=proj_1&env=production&search=can%27t\+connect\*&level=error/);
  assert.deepEqual(queryOf(address.slice("/logs".length)), QUERY);
  assert.equal(addressOf(NO_QUERY), "/logs");
  const one = { ...NO_QUERY, deployment: "d_1", line: "t5.abc" };
  assert.deepEqual(queryOf(addressOf({ ...one, project: "proj_1", environment: "x" }).slice(5)), one);
});

Deno.test("values that no search takes are left out of a query", () => {
  for (
    const bad of [
      "deployment=x",
      "project=shop",
      "env=A%2F..",
      `search=${"a".repeat(201)}`,
      "level=bad",
      "since=yesterday",
      "since=2026-12-01",
      "until=1h",
      "line=%3Cb%3E",
    ]
  ) {
    assert.deepEqual(queryOf(`?${bad}`), NO_QUERY, bad);
  }
});

Deno.test("a link of a line keeps the query, with the time around the line, or is about its deployment", () => {
  const address = lineAddress(QUERY, "t1764576000000.abc", Date.UTC(2026, 11, 1, 7));
  const query = queryOf(address.slice(5));
  assert.deepEqual(query, {
    ...QUERY,
    since: "",
    until: "2026-12-01T07:00:30.000Z",
    line: "t1764576000000.abc",
  });
  assert.equal(
    linkedSearch("d_1", "t0.a", 0),
    "/logs?deployment=d_1&until=1970-01-01T00%3A00%3A30.000Z&line=t0.a",
  );
});

Deno.test("a search is named as the command that does the same", () => {
  assert.equal(
    commandOf(QUERY, "shop"),
    String.raw`unkey logs shop --env production --search 'can'\''t connect*' --level error --region eu ` +
      "--instance shop- --since 6h --until 2026-12-01T08:00:00.000Z",
  );
  assert.equal(commandOf({ ...NO_QUERY, deployment: "d_1" }, ""), "unkey logs d_1 --search '*'");
});

Deno.test("a time that is so long ago is counted from now", () => {
  const nowMs = 1_000_000_000;
  assert.deepEqual(rangeOf({ ...NO_QUERY, since: "1h" }, nowMs), { sinceMs: nowMs - 3_600_000, untilMs: 0 });
  const at = { ...NO_QUERY, since: "2026-12-01T07:00:00Z", until: "2026-12-01T08:00:00Z" };
  assert.deepEqual(rangeOf(at, nowMs), {
    sinceMs: Date.UTC(2026, 11, 1, 7),
    untilMs: Date.UTC(2026, 11, 1, 8),
  });
  assert.deepEqual(rangeOf({ ...NO_QUERY, since: "9d" }, 5), { sinceMs: 1, untilMs: 0 });
});
