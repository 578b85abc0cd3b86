import assert from "node:assert/strict";
import type { Failure } from "../../../../pkg/acme/mod.ts";
import { openAuthority } from "../../../../pkg/acme/mod.ts";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { CERTIFICATE_ROWS } from "../../internal/store/testing_rows_certificates.ts";
import { endOf, isRunning, problemText } from "./current_order.ts";
import { limitsOf } from "./limits.ts";
import type { Unfinished } from "./types.ts";

const authority = openAuthority({ directoryUrl: "https://ca.example:14000/dir", clock: systemClock() });

Deno.test("each failure of an authority is an end of the attempt, with the authority's host and reason", async (t) => {
  const cases: readonly (readonly [Failure, Unfinished])[] = [
    [
      { kind: "rate_limited", untilMs: 7, detail: "too many" },
      { kind: "limited", untilMs: 7, problem: "ca.example:14000 limits orders: too many" },
    ],
    [
      { kind: "refused", type: "caa", detail: "CAA forbids" },
      { kind: "refused", problem: "ca.example:14000 refused: CAA forbids" },
    ],
    [
      { kind: "retry", afterMs: 9, detail: "status 503" },
      { kind: "failed", afterMs: 9, problem: "ca.example:14000 did not do its part: status 503" },
    ],
  ];
  for (const [failure, expected] of cases) {
    await t.step(failure.kind, () => assert.deepEqual(endOf(failure, authority), expected));
  }
});

/** The column holds 1,000 characters. */
Deno.test("a long reason of an authority is cut", () => {
  const problem = problemText("what", "d".repeat(5_000));
  assert.equal(problem.length, 900);
  assert.ok(problem.startsWith("what: ddd"));
});

Deno.test("only the attempt that runs may work on an order", async (t) => {
  const row = CERTIFICATE_ROWS.certificate_orders;
  const wish = { hostname: row.hostname, attempt: 2 };
  const cases = [
    [{ status: "ordering", attempt: 2 }, true],
    [{ status: "ordering", attempt: 3 }, false],
    [{ status: "ordering", attempt: 1 }, false],
    [{ status: "waiting", attempt: 2 }, false],
    [{ status: "issued", attempt: 2 }, false],
    [{ status: "cancelled", attempt: 2 }, false],
  ] as const;
  for (const [state, expected] of cases) {
    await t.step(`${state.status} ${state.attempt}`, () => {
      assert.equal(isRunning({ ...row, ...state }, wish), expected);
    });
  }
});

Deno.test("limits are known of the authority that publishes them, and of no other", async (t) => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ["https://acme-v02.api.letsencrypt.org/directory", 50],
    ["https://acme-staging-v02.api.letsencrypt.org/directory", 50],
    ["https://acme-v02.api.letsencrypt.org.example/directory", undefined],
    ["https://ca.example/acme-v02.api.letsencrypt.org", undefined],
    ["https://acme.zerossl.com/v2/DV90", undefined],
    ["https://127.0.0.1:14000/dir", undefined],
  ];
  for (const [url, perDomain] of cases) {
    await t.step(url, () => assert.equal(limitsOf(url)?.domain.max, perDomain));
  }
});
