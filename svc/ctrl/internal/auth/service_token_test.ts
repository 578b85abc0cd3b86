import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Secret } from "../../../../pkg/config/mod.ts";
import { serviceTokenProblem } from "./service_token.ts";

function problem(token: string): string | undefined {
  return serviceTokenProblem(new Secret(token));
}

Deno.test("a random service token is good in each common form", () => {
  for (let n = 0; n < 200; n++) {
    assert.equal(problem(randomBytes(32).toString("hex")), undefined);
    assert.equal(problem(randomBytes(18).toString("base64")), undefined);
    assert.equal(problem(crypto.randomUUID()), undefined);
  }
});

Deno.test("a service token that is short or has a pattern is refused, without telling it", () => {
  for (const token of ["", "x", "t0p-secret", "x".repeat(23), "Xa7bQ9Lm2Pk4Rt6Yw8Zc1Vn"]) {
    assert.match(problem(token) ?? "", /^must have at least 24 characters: .*openssl rand/);
  }
  for (
    const token of ["0".repeat(64), "abab".repeat(16).slice(0, 40), "changeme".repeat(3), "secret".repeat(4)]
  ) {
    const text = problem(token) ?? assert.fail(token);
    assert.match(text, /^must be random, and is made of too few different characters/);
    assert.ok(!text.includes(token));
  }
});
