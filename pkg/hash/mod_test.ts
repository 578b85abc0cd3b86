import assert from "node:assert/strict";
import { digestOf, sha256Hex, shortHash } from "./mod.ts";

/** From FIPS 180-2, appendix B.1. */
const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Deno.test("sha256Hex() of a text is that of its UTF-8 bytes", () => {
  assert.equal(sha256Hex("abc"), ABC);
  assert.equal(sha256Hex(new TextEncoder().encode("abc")), ABC);
  assert.equal(sha256Hex("ü"), sha256Hex(new Uint8Array([0xc3, 0xbc])));
});

Deno.test("shortHash() is the beginning of the whole hash", () => {
  assert.equal(shortHash("abc", 12), ABC.slice(0, 12));
});

Deno.test("digestOf() depends on the JSON text, with the order of its keys", () => {
  assert.equal(digestOf("abc"), sha256Hex('"abc"'));
  assert.equal(digestOf([1, { a: "b" }]), sha256Hex('[1,{"a":"b"}]'));
  assert.notEqual(digestOf({ a: 1, b: 2 }), digestOf({ b: 2, a: 1 }));
});
