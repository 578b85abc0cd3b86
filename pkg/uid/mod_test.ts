import assert from "node:assert/strict";
import { base58, fromBase58, newDnsName, newId, parseId } from "./mod.ts";
import { Fault } from "../fault/mod.ts";

Deno.test("newId() makes distinct ids that parseId() takes back", () => {
  const ids = new Set(Array.from({ length: 1000 }, () => newId("deployment", 1_760_000_000_000)));
  assert.equal(ids.size, 1000);
  for (const id of ids) assert.equal(parseId("deployment", "deployment_id", id), id);
});

Deno.test("newId() sorts by age when seconds differ", () => {
  const older = newId("project", 1_760_000_000_000);
  const newer = newId("project", 1_760_000_100_000);
  assert.ok(older < newer);
});

Deno.test("parseId() refuses another kind and names the field", () => {
  assert.throws(
    () => parseId("project", "project_id", "d_abc"),
    (error) =>
      error instanceof Fault && error.code === "invalid_argument" && /project_id/.test(error.message),
  );
});

Deno.test("newDnsName() is an RFC 1035 label", () => {
  for (let round = 0; round < 200; round++) assert.match(newDnsName(12), /^[a-z][a-z0-9]{11}$/);
});

Deno.test("fromBase58() gives the bytes back, and nothing for text of other characters", () => {
  for (
    const bytes of [
      [],
      [0],
      [0, 0, 1],
      [255, 254, 0],
      Array.from({ length: 32 }, (_, index) => index * 7 % 256),
    ]
  ) {
    assert.deepEqual([...fromBase58(base58(Uint8Array.from(bytes))) ?? []], bytes);
  }
  for (const text of ["0", "O", "Il", "a b", "é"]) assert.equal(fromBase58(text), undefined);
});
