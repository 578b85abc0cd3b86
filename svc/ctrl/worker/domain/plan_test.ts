import assert from "node:assert/strict";
import { type DomainState, nextCheckMs, type Sight, type Verdict, verdictOf } from "./plan.ts";

const DAY = 86_400_000;
const LIMITS = { verifyMs: 7 * DAY, lostMs: 3 * DAY };
const NOW = 1_700_000_000_000;

const state = (changes: Partial<DomainState> = {}): DomainState => ({
  status: "verifying",
  verify_from: NOW,
  verified_at: null,
  lost_at: null,
  ...changes,
});
const NOTHING: Sight = { proof: undefined, reaches: false, answered: true };
const PROOF: Sight = { proof: "cname", reaches: true, answered: true };
const NO_ANSWER: Sight = { proof: undefined, reaches: false, answered: false };

Deno.test("a verdict follows from the state and the look", async (t) => {
  const lost = (ageMs: number) => state({ status: "verified", lost_at: NOW - ageMs });
  const cases: readonly (readonly [string, DomainState, Sight, Verdict])[] = [
    ["a proof", state(), PROOF, { kind: "verified", lostAtMs: null }],
    ["no proof yet", state(), NOTHING, { kind: "verifying" }],
    ["no proof in time", state({ verify_from: NOW - 7 * DAY }), NOTHING, { kind: "failed" }],
    ["a proof at the last moment", state({ verify_from: NOW - 7 * DAY }), PROOF, {
      kind: "verified",
      lostAtMs: null,
    }],
    ["no answer for too long", state({ verify_from: NOW - 8 * DAY }), NO_ANSWER, { kind: "failed" }],
    ["a proof that goes", state({ status: "verified" }), NOTHING, { kind: "losing", lostAtMs: NOW }],
    ["a proof that stays away", lost(DAY), NOTHING, { kind: "losing", lostAtMs: NOW - DAY }],
    ["a proof that comes back", lost(DAY), PROOF, { kind: "verified", lostAtMs: null }],
    ["a proof that is gone", lost(3 * DAY), NOTHING, { kind: "lost" }],
    ["no answer about a verified one", state({ status: "verified" }), NO_ANSWER, {
      kind: "verified",
      lostAtMs: null,
    }],
    ["no answer after a loss", lost(9 * DAY), NO_ANSWER, { kind: "losing", lostAtMs: NOW - 9 * DAY }],
  ];
  for (const [name, before, sight, expected] of cases) {
    await t.step(name, () => assert.deepEqual(verdictOf(before, sight, NOW, LIMITS), expected));
  }
});

Deno.test("checks become rarer with the age of a verification, and start again with a retry", () => {
  const next = (ageMs: number, spread = 1) =>
    nextCheckMs({
      verdict: { kind: "verifying" },
      state: state({ verify_from: NOW - ageMs }),
      sight: NOTHING,
      spread,
    }, NOW);
  assert.deepEqual([0, 60_000, 600_000, DAY].map((age) => next(age)), [5_000, 15_000, 150_000, 600_000]);
  assert.equal(next(DAY, 0), 450_000, "the checks of many domains spread");
  let [ageMs, checks] = [0, 0];
  for (; ageMs < LIMITS.verifyMs; checks++) ageMs += next(ageMs) ?? 0;
  assert.ok(checks < 1_100, `${checks} checks in all`);
});

Deno.test("a verified domain is checked twice a day, more often while something is missing, and an ended one never", () => {
  const next = (verdict: Verdict, sight: Sight, verifiedAgo = 0) =>
    nextCheckMs({
      verdict,
      state: state({ status: "verified", verified_at: NOW - verifiedAgo }),
      sight,
      spread: 1,
    }, NOW);
  const verified = { kind: "verified", lostAtMs: null } as const;
  const hour = 3_600_000;
  assert.equal(next(verified, PROOF), 12 * hour);
  assert.equal(next(verified, { ...PROOF, reaches: false }), 5_000);
  assert.equal(next(verified, { ...PROOF, reaches: false }, 9 * DAY), hour);
  assert.equal(next(verified, NO_ANSWER), hour);
  assert.equal(next({ kind: "losing", lostAtMs: NOW }, NOTHING), hour);
  assert.equal(next({ kind: "lost" }, NOTHING), null);
  assert.equal(next({ kind: "failed" }, NOTHING), null);
});
