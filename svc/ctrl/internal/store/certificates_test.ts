import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import { NOW_MS, testOnCtrlDatabases } from "./testing.ts";
import { CERTIFICATE_ROWS } from "./testing_rows_certificates.ts";
import {
  type AcmeChallengesTable,
  type CertificateOrdersTable,
  type CertificatesTable,
  countCertificates,
  createAcmeAccount,
  type CtrlDatabase,
  deleteCancelledOrder,
  deleteCertificate,
  EDGE_REGION,
  findAcmeAccount,
  findCertificate,
  findKeyAuthorization,
  listAcmeChallenges,
  listCertificates,
  listCertificatesForAdvice,
  listCertificatesToRenew,
  listNamesWithOldChallenges,
  listOpenOrders,
  listOverdueOrders,
  pageCertificates,
  putAcmeChallenge,
  setAcmeAccountUrl,
  setRenewal,
  storeCertificate,
} from "./mod.ts";

const testOnDatabase = testOnCtrlDatabases();
const TABLES = ["acme_challenges", "certificate_orders", "certificates"] as const;

/** The tests of a server share its tables. */
function test(name: string, run: (db: CtrlDatabase) => Promise<void>): void {
  testOnDatabase(name, async (db) => {
    for (const table of TABLES) await db.kysely.deleteFrom(table).execute();
    await run(db);
  });
}

function store(db: CtrlDatabase, changes: Partial<CertificatesTable>): Promise<string> {
  const { created_at: _, updated_at: __, ...row } = CERTIFICATE_ROWS.certificates;
  const certificate = { ...row, id: newId("certificate", NOW_MS), ...changes };
  return transact(db, (tx) => storeCertificate(tx, certificate, NOW_MS));
}

async function order(db: CtrlDatabase, hostname: string, changes: Partial<CertificateOrdersTable>) {
  const row = { ...CERTIFICATE_ROWS.certificate_orders, hostname, ...changes };
  await db.kysely.insertInto("certificate_orders").values(row).execute();
}

async function challenge(db: CtrlDatabase, changes: Partial<AcmeChallengesTable>) {
  await putAcmeChallenge(db.kysely, { ...CERTIFICATE_ROWS.acme_challenges, created_at: NOW_MS, ...changes });
}

function names(rows: readonly { readonly hostname: string }[]): string[] {
  return rows.map(({ hostname }) => hostname);
}

async function changesOf(db: CtrlDatabase, id: string): Promise<number> {
  const rows = await db.kysely.selectFrom("state_changes").select("version").where("region", "=", EDGE_REGION)
    .where("resource_type", "=", "certificate").where("resource_id", "=", id).execute();
  return rows.length;
}

test("a new certificate takes over the id of the former one, and the edges hear of each", async (db) => {
  const id = await store(db, { hostname: "a.test", chain: "first", renewal_id: "k.1" });
  assert.equal(await store(db, { hostname: "a.test", chain: "second", renewal_id: "k.2" }), id);
  const row = await findCertificate(db.kysely, "a.test");
  assert.deepEqual([row?.id, row?.chain, row?.renewal_id, row?.created_at], [id, "second", "k.2", NOW_MS]);
  assert.equal(await changesOf(db, id), 2);
  assert.equal(await transact(db, (tx) => deleteCertificate(tx, "a.test", NOW_MS)), true);
  assert.equal(await transact(db, (tx) => deleteCertificate(tx, "a.test", NOW_MS)), false);
  assert.equal(await changesOf(db, id), 3, "no change without a certificate");
  assert.equal(await countCertificates(db.kysely), 0);
});

test("certificates are read by their ids, and page by page", async (db) => {
  const ids: string[] = [];
  for (const hostname of ["a.test", "b.test", "c.test"]) ids.push(await store(db, { hostname }));
  ids.sort();
  assert.deepEqual(await listCertificates(db.kysely, []), []);
  assert.deepEqual((await listCertificates(db.kysely, [ids[0] ?? "", "gone"])).map(({ id }) => id), [ids[0]]);
  const first = await pageCertificates(db.kysely, "", 2);
  const second = await pageCertificates(db.kysely, first[1]?.id ?? "", 2);
  assert.deepEqual([first, second].map((rows) => rows.map(({ id }) => id)), [ids.slice(0, 2), ids.slice(2)]);
});

/** Advice that was asked for about the former certificate would be that of another one. */
test("the advice about a certificate that was replaced meanwhile changes nothing", async (db) => {
  await store(db, { hostname: "a.test", renewal_id: "k.1", renew_at: 100, advice_at: 5 });
  const former = await findCertificate(db.kysely, "a.test") ?? assert.fail("no certificate");
  await setRenewal(db.kysely, former, { advice_at: 6 });
  const advised = await findCertificate(db.kysely, "a.test");
  assert.deepEqual([advised?.renew_at, advised?.advice_at], [100, 6], "the other time stays");
  await store(db, { hostname: "a.test", renewal_id: "k.2", renew_at: 200, advice_at: 7 });
  await setRenewal(db.kysely, former, { renew_at: 1, advice_at: 1 });
  const current = await findCertificate(db.kysely, "a.test");
  assert.deepEqual([current?.renew_at, current?.advice_at], [200, 7]);
});

test("authorities are asked about what is due and has a name, the longest due first", async (db) => {
  for (
    const [hostname, advice_at, renewal_id] of [
      ["now.test", 100, "k.1"],
      ["first.test", 1, "k.2"],
      ["later.test", 101, "k.3"],
      ["nameless.test", 1, ""],
    ] as const
  ) await store(db, { hostname, advice_at, renewal_id });
  assert.deepEqual(names(await listCertificatesForAdvice(db.kysely, { nowMs: 100, limit: 9 })), [
    "first.test",
    "now.test",
  ]);
  assert.deepEqual(names(await listCertificatesForAdvice(db.kysely, { nowMs: 100, limit: 1 })), [
    "first.test",
  ]);
});

test("renewals are those at rest whose time has come, the first to end first", async (db) => {
  for (
    const [hostname, status, renew_at, not_after] of [
      ["due.test", "issued", 100, 900],
      ["urgent.test", "issued", 50, 300],
      ["later.test", "issued", 101, 400],
      ["under-way.test", "ordering", 1, 200],
      ["waiting.test", "waiting", 1, 200],
      ["cancelled.test", "cancelled", 1, 200],
    ] as const
  ) {
    await order(db, hostname, { status });
    await store(db, { hostname, renew_at, not_after });
  }
  await order(db, "first.test", { status: "issued" });
  const due = async (endsBeforeMs: number, limit = 9) =>
    names(await listCertificatesToRenew(db.kysely, { nowMs: 100, endsBeforeMs, limit }));
  assert.deepEqual(await due(0), ["urgent.test", "due.test"]);
  assert.deepEqual(await due(400), ["urgent.test", "later.test", "due.test"], "an operator asks for more");
  assert.deepEqual(await due(400, 1), ["urgent.test"]);
});

test("orders without a worker are found, the first deadline first", async (db) => {
  for (
    const [hostname, status, next_attempt_at, updated_at, deadline_at] of [
      ["due.test", "waiting", 100, 999, 30],
      ["later.test", "waiting", 101, 1, 1],
      ["silent.test", "ordering", 999, 50, 20],
      ["busy.test", "ordering", 1, 51, 1],
      ["cancelled.test", "cancelled", 999, 50, 10],
      ["being-cancelled.test", "cancelled", 1, 51, 1],
      ["issued.test", "issued", 1, 1, 1],
    ] as const
  ) await order(db, hostname, { status, next_attempt_at, updated_at, deadline_at });
  const found = await listOverdueOrders(db.kysely, { dueBeforeMs: 100, silentSinceMs: 50, limit: 9 });
  assert.deepEqual(names(found), ["cancelled.test", "silent.test", "due.test"]);
  const one = await listOverdueOrders(db.kysely, { dueBeforeMs: 100, silentSinceMs: 50, limit: 1 });
  assert.deepEqual(names(one), ["cancelled.test"]);
});

test("open orders show the certificate that is used meanwhile, to the workspaces that have them", async (db) => {
  await order(db, "first.test", {
    status: "waiting",
    workspace_id: "w1",
    deadline_at: 2,
    problem: null,
    created_at: 7,
  });
  await order(db, "renewal.test", { status: "ordering", workspace_id: "w2", deadline_at: 1, failures: 3 });
  await order(db, "issued.test", { status: "issued", workspace_id: "w1" });
  await order(db, "cancelled.test", { status: "cancelled", workspace_id: "w1" });
  await store(db, { hostname: "renewal.test", renew_at: 10, not_after: 20 });
  const all = await listOpenOrders(db.kysely, { limit: 9 });
  assert.deepEqual(names(all), ["renewal.test", "first.test"]);
  const [renewal, first] = all;
  assert.deepEqual([renewal?.renewAtMs, renewal?.notAfterMs, renewal?.failures, renewal?.problem], [
    10,
    20,
    3,
    "why",
  ]);
  assert.deepEqual([first?.renewAtMs, first?.notAfterMs, first?.wantedSinceMs], [undefined, undefined, 7]);
  assert.deepEqual([first?.problem, first?.workspaceId], [undefined, "w1"]);
  const of = async (workspaceIds: readonly string[]) =>
    names(await listOpenOrders(db.kysely, { limit: 9, workspaceIds }));
  assert.deepEqual(await of(["w1"]), ["first.test"]);
  assert.deepEqual(await of(["w1", "w2"]), ["renewal.test", "first.test"]);
  assert.deepEqual(await of(["w3"]), []);
  assert.deepEqual(await of([]), [], "no workspace has no orders");
});

test("only a cancelled wish is forgotten", async (db) => {
  for (
    const [status, expected] of [["waiting", false], ["ordering", false], ["issued", false], [
      "cancelled",
      true,
    ]] as const
  ) {
    await order(db, `${status}.test`, { status });
    assert.equal(await deleteCancelledOrder(db.kysely, `${status}.test`), expected, status);
    assert.equal(await deleteCancelledOrder(db.kysely, `${status}.test`), false, "once");
  }
});

test("an answer over HTTP is that of its name, token and kind", async (db) => {
  await challenge(db, { hostname: "a.test", token: "t", key_authorization: "t.former" });
  await challenge(db, { hostname: "a.test", token: "t", key_authorization: "t.k", created_at: NOW_MS + 1 });
  await challenge(db, { hostname: "a.test", token: "dns", challenge_type: "dns-01" });
  for (
    const [hostname, token, expected] of [
      ["a.test", "t", "t.k"],
      ["b.test", "t", undefined],
      ["a.test", "T", undefined],
      ["a.test", "dns", undefined],
      ["a.test", "", undefined],
    ] as const
  ) {
    assert.equal(await findKeyAuthorization(db.kysely, hostname, token), expected, `${hostname} ${token}`);
  }
  assert.deepEqual((await listAcmeChallenges(db.kysely, "a.test")).map(({ token }) => token), ["dns", "t"]);
});

test("proofs that stayed are found, unless an attempt works on them", async (db) => {
  for (
    const [hostname, status] of [["running.test", "ordering"], ["rest.test", "issued"], [
      "new.test",
      "waiting",
    ]] as const
  ) {
    await order(db, hostname, { status });
  }
  for (const hostname of ["running.test", "rest.test", "orphan.test"]) {
    for (const token of ["1", "2"]) await challenge(db, { hostname, token, created_at: 99 });
  }
  await challenge(db, { hostname: "new.test", created_at: 100 });
  assert.deepEqual((await listNamesWithOldChallenges(db.kysely, 100, 9)).sort(), [
    "orphan.test",
    "rest.test",
  ]);
  assert.equal((await listNamesWithOldChallenges(db.kysely, 100, 1)).length, 1);
});

test("the first key of an account stays, and accounts are apart by workspace and authority", async (db) => {
  const key = { workspace_id: newId("workspace", NOW_MS), directory_url: "https://a.test/dir" };
  const create = (encrypted_key: string, nowMs: number) =>
    transact(db, (tx) => createAcmeAccount(tx, { ...key, encrypted_key }, { limit: undefined, nowMs }));
  const first = await create("first", NOW_MS);
  assert.deepEqual(await create("second", NOW_MS + 1), first);
  assert.ok(first.kind === "there");
  assert.deepEqual([first.account.encrypted_key, first.account.account_url], ["first", null]);
  await setAcmeAccountUrl(db.kysely, { ...key, directory_url: "https://b.test/dir" }, "other");
  assert.equal((await findAcmeAccount(db.kysely, key))?.account_url, null);
  await setAcmeAccountUrl(db.kysely, key, "https://a.test/account/1");
  assert.equal((await findAcmeAccount(db.kysely, key))?.account_url, "https://a.test/account/1");
  await setAcmeAccountUrl(db.kysely, key, null);
  assert.equal((await findAcmeAccount(db.kysely, key))?.account_url, null);
});

/** An authority counts the new accounts of an address; beyond its limit it refuses the address for a while. */
test("new accounts of an authority are counted, and those that are there stay usable", async (db) => {
  const directory_url = `https://${newId("request", NOW_MS)}.test/dir`;
  const limit = { max: 2, windowMs: 1_000 };
  const create = (workspace_id: string, nowMs: number) =>
    transact(
      db,
      (tx) => createAcmeAccount(tx, { workspace_id, directory_url, encrypted_key: "k" }, { limit, nowMs }),
    );
  assert.equal((await create("w1", NOW_MS)).kind, "there");
  assert.equal((await create("w2", NOW_MS + 10)).kind, "there");
  assert.deepEqual(await create("w3", NOW_MS + 20), { kind: "full", untilMs: NOW_MS + 1_000 });
  assert.equal((await create("w1", NOW_MS + 20)).kind, "there", "it has one");
  const once = await Promise.all(["w3", "w4", "w5"].map((each) => create(each, NOW_MS + 1_000)));
  assert.equal(once.filter(({ kind }) => kind === "there").length, 1, "one of them has left the window");
});
