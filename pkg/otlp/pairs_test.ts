import assert from "node:assert/strict";
import { parsePairs } from "./pairs.ts";

Deno.test("parsePairs() reads lists as OpenTelemetry's variables have them, and no others", () => {
  const cases: readonly (readonly [string, ReturnType<typeof parsePairs>])[] = [
    ["", {}],
    ["api-key=abc", { "api-key": "abc" }],
    [" a = b%2Cc , x=1=2,", { a: "b,c", x: "1=2" }],
    ["empty=", { empty: "" }],
    ["no value", undefined],
    ["=nameless", undefined],
    ["a b=c", undefined],
    ["a=%zz", undefined],
    ["a=%0d%0aHost: other", undefined],
  ];
  for (const [text, want] of cases) assert.deepEqual(parsePairs(text), want, text);
});
