import assert from "node:assert/strict";
import type { Durable } from "./mod.ts";

/** A value that JSON changes would come back different after a crash only, which no ordinary run shows. */
Deno.test("run() does not compile with results that JSON corrupts", () => {
  const use = (durable: Durable): void => {
    void durable.run("fine", () => Promise.resolve({ id: "d_1", list: [1, null], inner: { ok: true } }));
    void durable.run("nothing", () => Promise.resolve());
    // @ts-expect-error a bigint cannot be written as JSON
    void durable.run("bigint", () => Promise.resolve({ version: 1n }));
    // @ts-expect-error a Date comes back as a string
    void durable.run("date", () => Promise.resolve(new Date(0)));
    // @ts-expect-error a Map comes back as {}
    void durable.run("map", () => Promise.resolve(new Map<string, string>()));
  };
  assert.equal(typeof use, "function");
});
