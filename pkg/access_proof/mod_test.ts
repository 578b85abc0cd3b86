import assert from "node:assert/strict";
import { checkCookie, checkLinkToken, makeCookie, makeLinkToken, type Place, type Scope } from "./mod.ts";

const KEY = new Uint8Array(32).fill(7);
const NOW_MS = 1_800_000_000_000;
const ENDS = NOW_MS / 1_000 + 60;
const PLACE: Place = { environmentId: "env_1", deploymentId: "d_1" };
const ENVIRONMENT: Scope = { kind: "environment", id: "env_1" };
const DEPLOYMENT: Scope = { kind: "deployment", id: "d_1" };
const TOKEN = makeLinkToken(KEY, ENVIRONMENT, ENDS);

Deno.test("a link's token holds for its scope until its end, as often as it is used", () => {
  for (const scope of [ENVIRONMENT, DEPLOYMENT]) {
    const token = makeLinkToken(KEY, scope, ENDS);
    const valid = { kind: "valid", scope, endsAtSeconds: ENDS };
    assert.deepEqual(checkLinkToken(KEY, PLACE, token, NOW_MS), valid);
    assert.deepEqual(checkLinkToken(KEY, PLACE, token, NOW_MS + 59_999), valid);
    assert.deepEqual(checkLinkToken(KEY, PLACE, token, NOW_MS + 60_000), { kind: "ended" });
  }
});

Deno.test("checkLinkToken() refuses all that was not made for this place with this key", async (t) => {
  const [head = "", mac = ""] = TOKEN.split(".");
  const cases: Readonly<Record<string, string>> = {
    "nothing": "",
    "another key": makeLinkToken(new Uint8Array(32).fill(8), ENVIRONMENT, ENDS),
    "another environment": makeLinkToken(KEY, { kind: "environment", id: "env_2" }, ENDS),
    "another deployment": makeLinkToken(KEY, { kind: "deployment", id: "d_2" }, ENDS),
    "a deployment with an environment's id": makeLinkToken(KEY, { kind: "deployment", id: "env_1" }, ENDS),
    "a later end": `e${ENDS + 1}.${mac}`,
    "the same end with a zero before it": `e0${ENDS}.${mac}`,
    "another kind": `d${ENDS}.${mac}`,
    "a MAC cut short": TOKEN.slice(0, -1),
    "no MAC": `${head}.`,
    "a MAC with more behind it": `${TOKEN}A`,
    "a MAC with another last character": `${TOKEN.slice(0, -1)}${TOKEN.endsWith("A") ? "B" : "A"}`,
    "a line end behind it": `${TOKEN}\n`,
    "a blank before it": ` ${TOKEN}`,
    "a cookie": makeCookie(KEY, { hostname: "a.test", scope: ENVIRONMENT }, ENDS),
    "an end without bound": `e${"9".repeat(12)}.${mac}`,
    "a text of 64 KiB": "e1.".padEnd(65_536, "A"),
  };
  for (const [name, token] of Object.entries(cases)) {
    await t.step(
      name,
      () => assert.deepEqual(checkLinkToken(KEY, PLACE, token, NOW_MS), { kind: "invalid" }),
    );
  }
});

Deno.test("checkLinkToken() takes no key of another length", () => {
  for (const bytes of [0, 16, 33]) {
    const key = new Uint8Array(bytes);
    const token = makeLinkToken(key, ENVIRONMENT, ENDS);
    assert.deepEqual(checkLinkToken(key, PLACE, token, NOW_MS), { kind: "invalid" });
  }
});

Deno.test("a cookie holds at its own host name only", () => {
  const value = makeCookie(KEY, { hostname: "a.test", scope: DEPLOYMENT }, ENDS);
  const at = (hostname: string, place = PLACE) => checkCookie(KEY, { hostname, place }, value, NOW_MS).kind;
  assert.equal(at("a.test"), "valid");
  assert.equal(at("b.test"), "invalid");
  // A deployment's proof does not go with the name to the next deployment.
  assert.equal(at("a.test", { ...PLACE, deploymentId: "d_2" }), "invalid");
  assert.equal(checkLinkToken(KEY, PLACE, value, NOW_MS).kind, "invalid");
});
