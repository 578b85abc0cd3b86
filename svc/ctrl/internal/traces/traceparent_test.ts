import assert from "node:assert/strict";
import { parseTraceParent } from "./traceparent.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

Deno.test("a header of W3C Trace Context is read, later versions too", () => {
  const parent = { traceId: TRACE, spanId: SPAN };
  assert.deepEqual(parseTraceParent(`00-${TRACE}-${SPAN}-01`), { ...parent, isSampled: true });
  assert.deepEqual(parseTraceParent(`00-${TRACE}-${SPAN}-00`), { ...parent, isSampled: false });
  assert.deepEqual(parseTraceParent(`01-${TRACE}-${SPAN}-03-more`), { ...parent, isSampled: true });
});

Deno.test("a header of another form is no trace", () => {
  for (
    const text of [
      undefined,
      null,
      "",
      `00-${TRACE}-${SPAN}`,
      `ff-${TRACE}-${SPAN}-01`,
      `00-${"0".repeat(32)}-${SPAN}-01`,
      `00-${TRACE}-${"0".repeat(16)}-01`,
      `00-${TRACE.toUpperCase()}-${SPAN}-01`,
      `00-${TRACE}-${SPAN}-01more`,
      ` 00-${TRACE}-${SPAN}-01`,
    ]
  ) assert.equal(parseTraceParent(text), undefined, String(text));
});
