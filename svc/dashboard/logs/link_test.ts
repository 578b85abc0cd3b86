import assert from "node:assert/strict";
import type { LogLine } from "./buffer.ts";
import { isLinked, linkOf, parseLink } from "./link.ts";

function line(changes: Partial<LogLine>): LogLine {
  return {
    source: "app",
    origin: "shop-1",
    text: "hello",
    isError: false,
    atMs: 1_764_579_600_123,
    sequence: 0,
    index: 0,
    ...changes,
  };
}

Deno.test("a link finds its own line and no other one", () => {
  const lines = [
    line({}),
    line({ text: "hello!" }),
    line({ origin: "shop-2" }),
    line({ atMs: 1_764_579_600_124 }),
    line({ sequence: 12, index: 3 }),
    line({ sequence: 12, index: 4 }),
    line({ sequence: 1, index: 3 }),
  ];
  for (const [at, each] of lines.entries()) {
    const link = parseLink(linkOf(each));
    assert.ok(link !== undefined, linkOf(each));
    assert.deepEqual(lines.map((other) => isLinked(other, link)), lines.map((_, other) => other === at));
  }
  assert.equal(linkOf(line({ sequence: 12, index: 3 })), "e12.3");
  assert.match(linkOf(line({})), /^t1764579600123\.[0-9a-z]{1,7}$/);
});

Deno.test("a text of another form is no link", () => {
  for (const text of ["", "e1", "e1.x", "t12", "t12.", "x1.2", "e1.2.3", "e-1.2", `e${"1".repeat(20)}.1`]) {
    assert.equal(parseLink(text), undefined, text);
  }
});
