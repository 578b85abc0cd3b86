import assert from "node:assert/strict";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import { NOW_MS, testOnCtrlDatabases } from "../store/testing.ts";
import {
  type CtrlDatabase,
  findCertificateOrder,
  listOverdueOrders,
  updateCertificateOrder,
} from "../store/mod.ts";
import { cancelCertificate, requestCertificate } from "./mod.ts";

const test = testOnCtrlDatabases();

/** The tests of a server share its tables. */
function bed(db: CtrlDatabase) {
  const seen: string[] = [];
  const changed: string[] = [];
  const at = { nowMs: NOW_MS, isDown: false };
  const deps = {
    db,
    clock: { now: () => at.nowMs, sleep: () => Promise.reject(new Error("nothing sleeps here")) },
    changes: { changed: (regions: readonly string[]) => void changed.push(...regions) },
    workflows: {
      processCertificate: (hostname: string) => {
        if (at.isDown) return Promise.reject(new Error("restate is down"));
        seen.push(hostname);
        return Promise.resolve();
      },
    },
  };
  const hostname = `${newId("request", NOW_MS).replace("_", "-").toLowerCase()}.example.co.uk`;
  return { deps, at, seen, changed, hostname, order: () => findCertificateOrder(db.kysely, hostname) };
}

test("a wish is written down once, in its plain form, and its workflow is notified", async (db) => {
  const { deps, seen, hostname, order } = bed(db);
  await requestCertificate(deps, { workspaceId: "w1", hostname: `${hostname.toUpperCase()}.` });
  await requestCertificate(deps, { workspaceId: "w1", hostname });
  assert.deepEqual(seen, [hostname, hostname]);
  const row = await order();
  assert.deepEqual(
    [row?.workspace_id, row?.challenge_type, row?.registered_domain, row?.status, row?.attempt],
    ["w1", "http-01", "example.co.uk", "waiting", 0],
  );
  await requestCertificate(deps, { workspaceId: "w1", hostname: `*.${hostname}` });
  assert.equal((await findCertificateOrder(db.kysely, `*.${hostname}`))?.challenge_type, "dns-01");
});

test("a name belongs to the workspace that asked first, until it gives it up", async (db) => {
  const { deps, at, changed, hostname, order } = bed(db);
  const [first, second] = [{ workspaceId: "w1", hostname }, { workspaceId: "w2", hostname }];
  await requestCertificate(deps, first);
  await assert.rejects(requestCertificate(deps, second), (error) => isFault(error, "already_exists"));
  await cancelCertificate(deps, second);
  assert.equal((await order())?.status, "waiting", "another workspace cannot cancel it");
  await cancelCertificate(deps, first);
  assert.equal((await order())?.status, "cancelled");
  assert.deepEqual(changed, ["*"], "the edges are notified");
  at.nowMs += 1_000;
  await requestCertificate(deps, first);
  assert.equal((await order())?.status, "waiting", "it is wanted again before it was forgotten");
  for (const name of ["localhost", "a b.com", ""]) {
    await assert.rejects(
      requestCertificate(deps, { workspaceId: "w1", hostname: name }),
      (error) => isFault(error, "invalid_argument"),
    );
  }
});

test("a user who does not want to wait waits for limits only", async (db) => {
  const { deps, at, hostname, order } = bed(db);
  const wish = { workspaceId: "w1", hostname };
  await requestCertificate(deps, wish);
  const later = NOW_MS + 7_200_000;
  await updateCertificateOrder(db.kysely, hostname, {
    failures: 4,
    next_attempt_at: later,
    updated_at: NOW_MS,
  });
  at.nowMs += 60_000;
  await requestCertificate(deps, wish);
  assert.equal((await order())?.next_attempt_at, at.nowMs);
  const limited = { next_attempt_at: later, limited_until: later, updated_at: NOW_MS };
  await updateCertificateOrder(db.kysely, hostname, limited);
  await requestCertificate(deps, wish);
  assert.equal((await order())?.next_attempt_at, later);
  for (const status of ["ordering", "issued"] as const) {
    await updateCertificateOrder(db.kysely, hostname, { status, updated_at: NOW_MS });
    await requestCertificate(deps, wish);
    assert.equal((await order())?.status, status, "what is under way, or done, is left alone");
  }
});

test("a wish that no workflow engine has heard of is found by the sweep", async (db) => {
  const { deps, at, hostname } = bed(db);
  at.isDown = true;
  await assert.rejects(requestCertificate(deps, { workspaceId: "w1", hostname }), /restate is down/);
  const overdue = await listOverdueOrders(db.kysely, { dueBeforeMs: NOW_MS, silentSinceMs: 0, limit: 1_000 });
  assert.ok(overdue.some((each) => each.hostname === hostname));
});
