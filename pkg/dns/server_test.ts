import assert from "node:assert/strict";
import { serverOf } from "./mod.ts";

Deno.test("serverOf() reads an address with or without a port, and no name", async (t) => {
  const cases: readonly (readonly [string, object | undefined])[] = [
    ["192.0.2.1", { address: "192.0.2.1", port: 53 }],
    ["192.0.2.1:5353", { address: "192.0.2.1", port: 5353 }],
    ["[2001:db8::1]", { address: "2001:db8::1", port: 53 }],
    ["[2001:DB8::1]:65535", { address: "2001:DB8::1", port: 65_535 }],
    ["192.0.2.1:65536", undefined],
    ["192.0.2.1:0", undefined],
    ["192.0.2.1:", undefined],
    ["192.0.2", undefined],
    ["192.0.2.256", undefined],
    ["1.2.3.4.5", undefined],
    ["...", undefined],
    ["[:::]", undefined],
    ["2001:db8::1", undefined],
    ["ns.example.com", undefined],
    ["192.0.2.1:53 ", undefined],
    ["", undefined],
  ];
  for (const [text, expected] of cases) {
    await t.step(`"${text}"`, () => assert.deepEqual(serverOf(text), expected));
  }
});
