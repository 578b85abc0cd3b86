import assert from "node:assert/strict";
import { Secret } from "../../../../pkg/config/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { createVault, parseMasterKeys } from "../../../../pkg/vault/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import {
  type CertificateOrdersTable,
  dataKeyStore,
  findCertificateOrder,
  spendOrder,
  storeCertificate,
} from "../../internal/store/mod.ts";
import { CERTIFICATE_ROWS } from "../../internal/store/testing_rows_certificates.ts";
import { memoryDatabase, recordingNotifier, worldClock } from "../testing.ts";
import { beginAttempt, failAttempt } from "./attempt_step.ts";
import { Authorities } from "./authorities.ts";
import type { CertificateDeps } from "./deps.ts";
import type { Begun, Unfinished } from "./types.ts";

const MASTER_KEY = "bWFzdGVyLW1hc3Rlci1tYXN0ZXItbWFzdGVyLW1hc3Q=";
const NOW_MS = 1_760_000_000_000;
const HOUR_MS = 3_600_000;
const HOSTNAME = "shop.example.com";
const never = new AbortController().signal;

type Order = Partial<CertificateOrdersTable>;

/** A database with one order, and a certificate that is due at `renewAtMs`. */
async function bed(order: Order, renewAtMs?: number) {
  const db = await memoryDatabase();
  const clock = worldClock({ nowMs: NOW_MS });
  const masterKeys = parseMasterKeys(new Secret(MASTER_KEY));
  const vault = createVault({ masterKeys, store: dataKeyStore(db.kysely), clock });
  const authorities = new Authorities([], { db, clock, vault, email: undefined });
  const deps: CertificateDeps = {
    db,
    clock,
    vault,
    authorities,
    log: silentLogger(),
    changes: recordingNotifier(),
    records: undefined,
  };
  const row = { ...CERTIFICATE_ROWS.certificate_orders, ...NEW, ...order };
  await db.kysely.insertInto("certificate_orders").values(row).execute();
  if (renewAtMs !== undefined) {
    const { created_at: _, updated_at: __, ...certificate } = CERTIFICATE_ROWS.certificates;
    const times = { renew_at: renewAtMs, not_after: NOW_MS + 500 * HOUR_MS };
    await transact(
      db,
      (tx) => storeCertificate(tx, { ...certificate, hostname: HOSTNAME, ...times }, NOW_MS),
    );
  }
  return {
    deps,
    order: () => findCertificateOrder(db.kysely, HOSTNAME),
    [Symbol.asyncDispose]: () => db.close(),
  };
}

const NEW: Order = {
  hostname: HOSTNAME,
  challenge_type: "http-01",
  status: "waiting",
  attempt: 4,
  failures: 0,
  next_attempt_at: NOW_MS,
  limited_until: 0,
  deadline_at: 1,
  created_at: NOW_MS - HOUR_MS,
  updated_at: NOW_MS - HOUR_MS,
};

Deno.test("a message begins an attempt, unless there is nothing to do", async (t) => {
  const begun: Begun = { kind: "begun", attempt: 5, challenge: "http-01" };
  const current: Begun = { kind: "current", certificateId: "c" };
  const cases: readonly (readonly [string, Order, number | undefined, Begun])[] = [
    ["a wish that is due", {}, undefined, begun],
    ["a message a second before its time", { next_attempt_at: NOW_MS + 1_000 }, undefined, begun],
    ["an early message", { next_attempt_at: NOW_MS + 1_001 }, undefined, { kind: "early" }],
    ["an attempt that a crash left", { status: "ordering" }, undefined, { ...begun, attempt: 4 }],
    ["a cancelled wish", { status: "cancelled" }, undefined, { kind: "cancelled", attempt: 4 }],
    ["a certificate that is new", { status: "issued" }, NOW_MS + 1, current],
    ["a certificate to renew", { status: "issued" }, NOW_MS, begun],
    ["a certificate that is gone", { status: "issued" }, undefined, begun],
    ["a renewal that failed and is early", { next_attempt_at: NOW_MS + HOUR_MS }, NOW_MS - 1, {
      kind: "early",
    }],
  ];
  for (const [name, order, renewAtMs, expected] of cases) {
    await t.step(name, async () => {
      await using world = await bed(order, renewAtMs);
      const before = await world.order();
      assert.deepEqual(await beginAttempt(world.deps, HOSTNAME), expected);
      const after = await world.order();
      if (expected.kind !== "begun") assert.deepEqual(after, before, "nothing is written");
      else assert.deepEqual([after?.status, after?.attempt], ["ordering", expected.attempt]);
    });
  }
  await t.step("a name without a wish", async () => {
    await using world = await bed({ hostname: "other.example.com" });
    assert.deepEqual(await beginAttempt(world.deps, HOSTNAME), { kind: "unwanted" });
  });
});

/** The last orders of a limit go to the earliest deadlines. */
Deno.test("the deadline of an attempt is the end of the certificate, or the time of the wish", async (t) => {
  for (
    const [renewAtMs, deadlineMs] of [[NOW_MS, NOW_MS + 500 * HOUR_MS], [
      undefined,
      NOW_MS - HOUR_MS,
    ]] as const
  ) {
    await t.step(`${renewAtMs === undefined ? "first" : "renewal"}`, async () => {
      await using world = await bed({}, renewAtMs);
      await beginAttempt(world.deps, HOSTNAME);
      assert.equal((await world.order())?.deadline_at, deadlineMs);
    });
  }
});

const RUNNING: Order = {
  status: "ordering",
  failures: 2,
  directory_url: "https://gone.example",
  order_url: "o",
  encrypted_key: "k",
};

Deno.test("a failure is noted with the time of the next attempt, by its kind", async (t) => {
  interface Noted {
    readonly failures: number;
    readonly waitMs: number;
    readonly limitedUntil: number;
    readonly orderUrl: string | null;
  }
  const problem = "why";
  const cases: readonly (readonly [string, Unfinished, Noted])[] = [
    [
      "a limit is no failure of the name",
      { kind: "limited", untilMs: NOW_MS + 2 * HOUR_MS, problem },
      { failures: 2, waitMs: 2 * HOUR_MS, limitedUntil: NOW_MS + 2 * HOUR_MS, orderUrl: "o" },
    ],
    [
      "a limit that is over already waits a minute",
      { kind: "limited", untilMs: NOW_MS - 1, problem },
      { failures: 2, waitMs: 60_000, limitedUntil: NOW_MS + 60_000, orderUrl: "o" },
    ],
    // The third failure in a row: half of a minute at least.
    [
      "an outage keeps the order",
      { kind: "failed", afterMs: 0, problem },
      { failures: 3, waitMs: 30_000, limitedUntil: 0, orderUrl: "o" },
    ],
    [
      "an outage with a wish waits as long",
      { kind: "failed", afterMs: HOUR_MS, problem },
      { failures: 3, waitMs: HOUR_MS, limitedUntil: 0, orderUrl: "o" },
    ],
    [
      "a refusal ends the order",
      { kind: "refused", problem },
      { failures: 3, waitMs: 30_000, limitedUntil: 0, orderUrl: null },
    ],
  ];
  for (const [name, end, expected] of cases) {
    await t.step(name, async () => {
      await using world = await bed(RUNNING);
      const wish = { hostname: HOSTNAME, attempt: 4 };
      const waitMs = await failAttempt(world.deps, { wish, end }, never);
      const row = await world.order();
      const noted = {
        failures: row?.failures,
        waitMs,
        limitedUntil: row?.limited_until,
        orderUrl: row?.order_url,
      };
      assert.deepEqual(noted, expected);
      assert.deepEqual([row?.status, row?.problem, row?.attempt], ["waiting", problem, 4]);
      assert.equal(
        row?.encrypted_key === null,
        expected.orderUrl === null,
        "the key lives as long as the order",
      );
      assert.equal(row?.next_attempt_at, NOW_MS + expected.waitMs);
      // The step may run twice: the second run changes nothing.
      assert.equal(await failAttempt(world.deps, { wish, end }, never), expected.waitMs);
      assert.deepEqual(await world.order(), row);
    });
  }
});

Deno.test("a refusal counts as a failed order, an outage does not", async (t) => {
  for (
    const [end, outcome] of [
      [{ kind: "refused", problem: "why" }, "failed"],
      [{ kind: "failed", problem: "why", afterMs: 0 }, "open"],
    ] as const
  ) {
    await t.step(end.kind, async () => {
      await using world = await bed(RUNNING);
      const { outcome: _, created_at: __, ...order } = {
        ...CERTIFICATE_ROWS.acme_orders,
        hostname: HOSTNAME,
        attempt: 4,
      };
      const { db } = world.deps;
      await transact(db, (tx) => spendOrder(tx, { order, deadlineMs: 0, limits: undefined, nowMs: NOW_MS }));
      await failAttempt(world.deps, { wish: { hostname: HOSTNAME, attempt: 4 }, end }, never);
      const rows = await db.kysely.selectFrom("acme_orders").select("outcome").execute();
      assert.deepEqual(rows, [{ outcome }]);
    });
  }
});

Deno.test("there is no next attempt for a wish that is gone", async (t) => {
  const end: Unfinished = { kind: "failed", problem: "why", afterMs: 0 };
  const cases: readonly (readonly [string, Order, Unfinished])[] = [
    ["cancelled", { status: "cancelled" }, end],
    ["forgotten", { hostname: "other.example.com" }, end],
    ["unwanted", { status: "ordering" }, { kind: "unwanted" }],
  ];
  for (const [name, order, unfinished] of cases) {
    await t.step(name, async () => {
      await using world = await bed(order);
      const before = await world.order();
      const wish = { hostname: HOSTNAME, attempt: 4 };
      assert.equal(await failAttempt(world.deps, { wish, end: unfinished }, never), null);
      assert.deepEqual(await world.order(), before);
    });
  }
});
