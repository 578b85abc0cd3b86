import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { base58 } from "../../../../pkg/uid/mod.ts";
import { SignatureCheck } from "./request_signature.ts";

const NOW_S = 1_800_000_000;
const PATH = "/invoke/hydra.v1.RoutingService/promote";

function newKey() {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const { x = "" } = publicKey.export({ format: "jwk" });
  return { privateKey, kid: `publickeyv1_${base58(Uint8Array.fromBase64(x, { alphabet: "base64url" }))}` };
}

const KEY = newKey();
const CLAIMS = { aud: PATH, nbf: NOW_S - 60, exp: NOW_S + 60 };

function encoded(value: unknown): string {
  return new TextEncoder().encode(JSON.stringify(value)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
}

function token(claims: unknown, options: { alg?: string; key?: typeof KEY; kid?: string } = {}): string {
  const { alg = "EdDSA", key = KEY, kid = key.kid } = options;
  const text = `${encoded({ typ: "JWT", alg, kid })}.${encoded(claims)}`;
  const signature = sign(null, new TextEncoder().encode(text), key.privateKey);
  return `${text}.${Uint8Array.from(signature).toBase64({ alphabet: "base64url", omitPadding: true })}`;
}

function asked(jwt: string, path = PATH, scheme = "v1"): Request {
  const headers = { "x-restate-signature-scheme": scheme, "x-restate-jwt-v1": jwt };
  return new Request(`http://worker${path}`, { method: "POST", headers });
}

Deno.test("a request is taken that a known key signed for its path, by the time of Restate", () => {
  const check = new SignatureCheck([newKey().kid, KEY.kid]);
  assert.ok(check.isSigned(asked(token(CLAIMS)), NOW_S * 1_000));
  assert.ok(check.isSigned(asked(token(CLAIMS), `/below${PATH}`), NOW_S * 1_000), "a worker below a path");
  assert.ok(check.isSigned(asked(token({ ...CLAIMS, aud: "/discover" }), "/discover"), NOW_S * 1_000));
});

Deno.test("a request is refused whose signature is another's, for another path, over, or none", async (t) => {
  const check = new SignatureCheck([KEY.kid]);
  const stranger = newKey();
  const [head = "", , signature = ""] = token(CLAIMS).split(".");
  const cases: Readonly<Record<string, Request>> = {
    "no scheme": asked(token(CLAIMS), PATH, "unsigned"),
    "no token": asked(""),
    "a token of words": asked("a.b.c"),
    "a token that is too long": asked(`${token(CLAIMS)}${"x".repeat(5_000)}`),
    "a fourth part": asked(`${token(CLAIMS)}.x`),
    "an unknown key": asked(token(CLAIMS, { key: stranger })),
    "the name of a known key, signed by another": asked(token(CLAIMS, { key: stranger, kid: KEY.kid })),
    "no algorithm": asked(token(CLAIMS, { alg: "none" })),
    "a symmetric algorithm": asked(token(CLAIMS, { alg: "HS256" })),
    "claims that were changed": asked(`${head}.${encoded({ ...CLAIMS, exp: NOW_S + 9_999 })}.${signature}`),
    "another path": asked(token(CLAIMS), "/invoke/hydra.v1.RoutingService/rollback"),
    "a path that only ends alike": asked(token({ ...CLAIMS, aud: "/promote" })),
    "a token that is over": asked(token({ ...CLAIMS, exp: NOW_S - 10 })),
    "a token of later": asked(token({ ...CLAIMS, nbf: NOW_S + 10 })),
    "no claims": asked(token({})),
  };
  for (const [name, request] of Object.entries(cases)) {
    await t.step(name, () => assert.equal(check.isSigned(request, NOW_S * 1_000), false));
  }
});

Deno.test("a key that is none is refused", () => {
  for (
    const key of ["publickeyv1_zz", "publickeyv1_0OIl", "8EUza3vceooVp3tukTyJTGKS4YTNQ2UKiJoRDC1U7Zfj", ""]
  ) {
    assert.throws(() => new SignatureCheck([key]), /32 bytes in base58/, key);
  }
});
