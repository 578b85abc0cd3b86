import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { NOW_MS, testOnCtrlDatabases } from "./testing.ts";
import {
  type AcmeLimits,
  type CtrlDatabase,
  deleteOldAcmeOrders,
  endAcmeOrder,
  forgetAcmeOrder,
  requestCertificateOrder,
  spendOrder,
  type Spent,
  updateCertificateOrder,
} from "./mod.ts";

const testOnDatabase = testOnCtrlDatabases();

/** The tests of a server share its tables. */
function test(name: string, run: (db: CtrlDatabase) => Promise<void>): void {
  testOnDatabase(name, async (db) => {
    for (const table of ["acme_orders", "certificate_orders"] as const) {
      await db.kysely.deleteFrom(table).execute();
    }
    await run(db);
  });
}

const HOUR_MS = 3_600_000;
const DIRECTORY = "https://ca.example/dir";
const LIMITS: AcmeLimits = {
  orders: { max: 4, windowMs: 3 * HOUR_MS },
  domain: { max: 3, windowMs: 168 * HOUR_MS },
  duplicate: { max: 2, windowMs: 168 * HOUR_MS },
  failures: { max: 2, windowMs: HOUR_MS },
};

interface Placed {
  readonly attempt?: number;
  readonly workspace?: string;
  readonly domain?: string;
  readonly counted?: 0 | 1;
  readonly deadlineMs?: number;
  readonly nowMs?: number;
  readonly directory?: string;
}

function spend(db: CtrlDatabase, hostname: string, placed: Placed = {}): Promise<Spent> {
  const {
    attempt = 1,
    workspace = "w",
    domain = hostname,
    counted = 1,
    deadlineMs = NOW_MS,
    nowMs = NOW_MS,
  } = placed;
  const order = {
    hostname,
    attempt,
    directory_url: placed.directory ?? DIRECTORY,
    workspace_id: workspace,
    registered_domain: domain,
    counted,
  };
  return transact(db, (tx) => spendOrder(tx, { order, deadlineMs, limits: LIMITS, nowMs }));
}

const COUNTED: Spent = { kind: "counted" };

test("orders of an account are counted, once per attempt, and have room again when the first is old", async (db) => {
  for (const name of ["a.test", "b.test", "c.test"]) assert.deepEqual(await spend(db, name), COUNTED);
  assert.deepEqual(await spend(db, "d.test", { nowMs: NOW_MS + 60_000 }), COUNTED);
  assert.deepEqual(await spend(db, "d.test"), { kind: "known" }, "a step that runs twice counts once");
  assert.deepEqual(await spend(db, "e.test"), { kind: "full", untilMs: NOW_MS + 3 * HOUR_MS });
  assert.deepEqual(await spend(db, "e.test", { workspace: "w2" }), COUNTED, "another account");
  assert.deepEqual(
    await spend(db, "f.test", { counted: 0 }),
    COUNTED,
    "a renewal that names what it replaces",
  );
  assert.deepEqual(await spend(db, "g.test", { directory: "https://other.example/dir" }), COUNTED);
  assert.deepEqual(await spend(db, "h.test", { nowMs: NOW_MS + 3 * HOUR_MS }), COUNTED);
  await forgetAcmeOrder(db.kysely, { hostname: "h.test", attempt: 1 });
  assert.deepEqual(
    await spend(db, "i.test", { nowMs: NOW_MS + 3 * HOUR_MS }),
    COUNTED,
    "what was not placed is free",
  );
});

test("certificates of a domain, and of a name, are counted unless their order failed", async (db) => {
  const domain = "example.com";
  for (const [index, name] of ["a.example.com", "b.example.com", "c.example.com"].entries()) {
    assert.deepEqual(await spend(db, name, { domain, workspace: `w${index}` }), COUNTED);
  }
  const full = await spend(db, "d.example.com", { domain, workspace: "w9" });
  assert.deepEqual(full, { kind: "full", untilMs: NOW_MS + 168 * HOUR_MS });
  await endAcmeOrder(db.kysely, { hostname: "c.example.com", attempt: 1 }, "failed");
  assert.deepEqual(await spend(db, "d.example.com", { domain, workspace: "w9" }), COUNTED);
  for (const attempt of [1, 2]) {
    assert.deepEqual(await spend(db, "same.test", { attempt, workspace: `s${attempt}` }), COUNTED);
  }
  assert.equal((await spend(db, "same.test", { attempt: 3, workspace: "s3" })).kind, "full");
});

test("a name whose proofs fail waits an hour after some of them", async (db) => {
  for (const attempt of [1, 2]) {
    assert.deepEqual(await spend(db, "bad.test", { attempt }), COUNTED);
    await endAcmeOrder(db.kysely, { hostname: "bad.test", attempt }, "failed");
  }
  assert.deepEqual(await spend(db, "bad.test", { attempt: 3 }), { kind: "full", untilMs: NOW_MS + HOUR_MS });
  assert.deepEqual(await spend(db, "bad.test", { attempt: 3, nowMs: NOW_MS + HOUR_MS }), COUNTED);
  await deleteOldAcmeOrders(db.kysely, { beforeMs: NOW_MS + 1, limit: 10 });
  assert.equal((await db.kysely.selectFrom("acme_orders").selectAll().execute()).length, 1);
});

/** Otherwise renewals that have weeks would take what a certificate needs that ends tomorrow. */
test("the last of a limit is for those who need it first", async (db) => {
  for (const name of ["a.test", "b.test", "c.test"]) await spend(db, name);
  const wish = { workspace_id: "w", challenge_type: "http-01" as const };
  await transact(db, async (tx) => {
    const hostname = "urgent.test";
    await requestCertificateOrder(tx, { ...wish, hostname, registered_domain: hostname }, NOW_MS);
    await updateCertificateOrder(tx, hostname, { deadline_at: NOW_MS + HOUR_MS, updated_at: NOW_MS });
  });
  const weeksMs = NOW_MS + 500 * HOUR_MS;
  assert.equal((await spend(db, "patient.test", { deadlineMs: weeksMs })).kind, "full");
  assert.deepEqual(await spend(db, "urgent.test", { deadlineMs: NOW_MS + HOUR_MS }), COUNTED);
});

/** Hundreds of names that look every few seconds would keep the workflow engine busy for nothing. */
test("an order behind others waits for its place in the limit, or looks again after an eighth of the window", async (db) => {
  const windowMs = LIMITS.orders.windowMs;
  for (let at = 0; at < 3; at++) await spend(db, `spent${at}.test`, { nowMs: NOW_MS + at });
  const nowMs = NOW_MS + windowMs - 1_000;
  for (let at = 0; at < 3; at++) {
    const hostname = `ahead${at}.test`;
    const wish = { workspace_id: "w", challenge_type: "http-01" as const, registered_domain: hostname };
    await transact(db, async (tx) => {
      await requestCertificateOrder(tx, { ...wish, hostname }, nowMs);
      await updateCertificateOrder(tx, hostname, { deadline_at: NOW_MS + at, updated_at: nowMs });
    });
  }
  // One is free and goes to the first; the others get those that leave the window.
  const places = [[0, COUNTED], [1, NOW_MS + windowMs], [2, NOW_MS + 1 + windowMs]] as const;
  for (const [at, expected] of places.toReversed()) {
    const spent = await spend(db, `ahead${at}.test`, { nowMs, deadlineMs: NOW_MS + at });
    assert.deepEqual(spent, typeof expected === "number" ? { kind: "full", untilMs: expected } : expected);
  }
  const far = await spend(db, "far.test", { nowMs, deadlineMs: NOW_MS + 9 });
  assert.deepEqual(far, { kind: "full", untilMs: nowMs + windowMs / 8 });
});

/** Two workers that look at the same moment would both see room for one. */
test("orders at once never spend more than there is", async (db) => {
  const names = Array.from({ length: 12 }, (_, index) => `n${index}.test`);
  const spent = await Promise.all(names.map((name) => spend(db, name)));
  assert.equal(spent.filter(({ kind }) => kind === "counted").length, LIMITS.orders.max);
});

test("old orders are forgotten a bounded number at a time, the oldest first", async (db) => {
  for (const attempt of [1, 2]) await spend(db, "old.test", { attempt, nowMs: NOW_MS - attempt });
  await deleteOldAcmeOrders(db.kysely, { beforeMs: NOW_MS, limit: 1 });
  const left = await db.kysely.selectFrom("acme_orders").select("attempt").execute();
  assert.deepEqual(left, [{ attempt: 1 }]);
});
