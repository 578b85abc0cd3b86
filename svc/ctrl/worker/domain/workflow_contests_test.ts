/** Names that several workspaces want, one after the other or at once. */
import assert from "node:assert/strict";
import { decodeIssues } from "../../internal/domains/mod.ts";
import { updateCustomDomain } from "../../internal/store/mod.ts";
import { DAY_MS, DomainWorld, testOnNameServer, ZONE } from "./testing.ts";

const test = testOnNameServer();

test(
  "a name goes to another workspace by its TXT record only, with route and certificate, wherever that breaks",
  async (db, knot) => {
    const world = await DomainWorld.make(db, knot);
    const [first, second] = [await world.project(), await world.project()];
    const move = async (hostname: string) => {
      const held = await world.add(first, hostname);
      await world.alias(held);
      assert.equal(await world.status(held), "verified");
      const claim = await world.add(second, hostname);
      await world.alias(claim);
      assert.equal(await world.status(claim), "waiting", "its CNAME is not enough");
      assert.equal(await world.routed(hostname), first.live);
      const issues = decodeIssues((await world.row(claim)).findings);
      assert.match(issues.find(({ code }) => code === "proof_missing")?.fix ?? "", /TXT _unkey\./);
      await world.text(claim);
      const due = { next_check_at: world.world.nowMs, updated_at: world.world.nowMs };
      await updateCustomDomain(db.kysely, claim.id, due);
      return { held, claim };
    };
    const { claim: calm } = await move("calm.example.com");
    const { names } = await world.check(calm);
    for (const kind of ["lost", "recorded", "repeated"] as const) {
      for (const [at, step] of names.entries()) {
        const hostname = `${kind}-${at}.example.com`;
        const { held, claim } = await move(hostname);
        await world.check(claim, { kind, at });
        const where = `${kind} at ${step}`;
        const loser = await world.row(held);
        assert.deepEqual([(await world.row(claim)).status, loser.status], ["verified", "failed"], where);
        assert.equal(await world.routed(hostname), second.live, where);
        assert.equal(await world.holder(hostname), claim.id, where);
        assert.equal((await world.order(hostname))?.status, "cancelled", `${where}: the loser's order`);
        assert.match(decodeIssues(loser.findings)[0]?.message ?? "", /given to another workspace/, where);
      }
    }
  },
);

test("a name that others only want has no holder: its own record proves it", async (db, knot) => {
  const world = await DomainWorld.make(db, knot);
  const wish = await world.add(await world.project(), "wanted.example.com");
  assert.equal(await world.status(wish), "waiting");
  const owner = await world.project();
  const row = await world.add(owner, "wanted.example.com");
  await world.alias(row);
  assert.equal(await world.status(row), "verified");
  assert.equal(await world.routed("wanted.example.com"), owner.live);
  assert.equal(await world.status(wish), "waiting");
  assert.equal(await world.holder("wanted.example.com"), row.id);
});

test(
  "the certificate of a name that moved is ordered once that of the former holder is given up",
  async (db, knot) => {
    const world = await DomainWorld.make(db, knot);
    const held = await world.add(await world.project(), "both.example.com");
    await world.alias(held);
    await world.status(held);
    const second = await world.project();
    const claim = await world.add(second, "both.example.com");
    await world.text(claim);
    await world.alias(claim);
    world.sent("");
    assert.equal(await world.status(claim), "verified");
    assert.deepEqual(world.sent("both.example.com"), ["ProcessChallenge"], "the former one is given up");
    assert.ok(
      (await world.row(claim)).next_check_at - world.world.nowMs <= 5_000,
      "and soon looked at again",
    );
    await db.kysely.deleteFrom("certificate_orders").execute();
    assert.equal(await world.status(claim), "verified");
    assert.equal((await world.order("both.example.com"))?.workspace_id, second.workspaceId);
  },
);

test(
  "a name whose record goes is served for some days, given up after them, and needs a TXT record from others",
  async (db, knot) => {
    const world = await DomainWorld.make(db, knot);
    const seed = await world.project();
    const row = await world.add(seed, "dangling.example.com");
    await world.alias(row);
    await world.status(row);
    await knot.set(ZONE, "dangling.example.com", "CNAME", `former-${row.target}.`);
    assert.equal(await world.status(row), "verified");
    const lostAt = (await world.row(row)).lost_at;
    assert.equal(lostAt, world.world.nowMs);
    world.advance(2 * DAY_MS);
    assert.equal(await world.status(row), "verified");
    assert.equal((await world.row(row)).lost_at, lostAt);
    assert.equal(await world.routed("dangling.example.com"), seed.live);
    world.advance(DAY_MS);
    world.sent("");
    assert.equal(await world.status(row), "failed");
    assert.deepEqual(world.sent("dangling.example.com"), ["ProcessChallenge"]);
    assert.equal(await world.routed("dangling.example.com"), undefined);
    assert.equal((await world.order("dangling.example.com"))?.status, "cancelled");
    assert.equal(await world.holder("dangling.example.com"), null);
    const claim = await world.add(await world.project(), "dangling.example.com");
    await world.alias(claim);
    assert.equal(await world.status(claim), "waiting");
    await world.text(claim);
    assert.equal(await world.status(claim), "verified");
  },
);

test(
  "checks at once neither exceed the share of certificates nor leave a name with two holders",
  async (db, knot) => {
    const world = await DomainWorld.make(db, knot, { certificatesMax: 2 });
    const [first, second] = [await world.project(), await world.project()];
    const rows = [];
    for (let count = 0; count < 5; count++) rows.push(await world.add(first, `at-once-${count}.example.com`));
    for (const row of rows) await world.alias(row);
    await Promise.all(rows.map((row) => world.status(row)));
    const orders = await db.kysely.selectFrom("certificate_orders").select("hostname").execute();
    assert.equal(orders.length, 2);

    // Both values in one TXT record: both workspaces have proven the name.
    const [mine, yours] = [
      await world.add(first, "two.example.com"),
      await world.add(second, "two.example.com"),
    ];
    await world.text(mine, yours.proof_text);
    await Promise.all([world.status(mine), world.status(yours)]);
    const statuses = [(await world.row(mine)).status, (await world.row(yours)).status];
    assert.deepEqual(statuses.toSorted(), ["failed", "verified"], "the later one has it");
    const [owner, live] = statuses[0] === "verified" ? [mine, first.live] : [yours, second.live];
    assert.equal(await world.holder("two.example.com"), owner.id);
    assert.equal(await world.routed("two.example.com"), live);
  },
);
