import assert from "node:assert/strict";
import { randomBytes, sha256 } from "../../../../pkg/content/testing.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { encodeManifest, manifestOf } from "./manifest.ts";

Deno.test("manifestOf() reads the chunks that encodeManifest() wrote, in order", async (t) => {
  const chunk = (seed: number, bytes: number) => ({ digest: sha256(randomBytes(8, seed)), bytes });
  const cases = { none: [], one: [chunk(1, 5)], several: [chunk(3, 70_000), chunk(5, 16_384), chunk(7, 1)] };
  for (const [name, chunks] of Object.entries(cases)) {
    await t.step(
      name,
      () => assert.deepEqual(manifestOf({ id: "ctx_1", manifest: encodeManifest(chunks) }), chunks),
    );
  }
});

Deno.test("manifestOf() names the context whose row cannot be read", async (t) => {
  const rows = ['{"a":1}', "[1]", '[["digest"]]', "[[1,2]]", '[["digest","5"]]', "null"];
  for (const manifest of rows) {
    await t.step(manifest, () =>
      assert.throws(
        () => manifestOf({ id: "ctx_1", manifest }),
        (error) => isFault(error, "internal") && error.message.includes("ctx_1"),
      ));
  }
});
