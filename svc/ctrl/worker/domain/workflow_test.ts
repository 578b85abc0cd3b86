import assert from "node:assert/strict";
import { execute, FAULT_KINDS } from "../../../../pkg/testkit/fake_durable.ts";
import { decodeIssues } from "../../internal/domains/mod.ts";
import { listDeploymentViewsByIds, updateCustomDomain } from "../../internal/store/mod.ts";
import { move, orThrow, routingDeps } from "../testing.ts";
import { DAY_MS, DomainWorld, testOnNameServer, ZONE } from "./testing.ts";

const test = testOnNameServer();

test(
  "a check that breaks anywhere ends with one holder, one route and one wish, and the next check is sent",
  async (db, knot) => {
    const world = await DomainWorld.make(db, knot);
    const seed = await world.project();
    const calm = await world.add(seed, "calm.example.com");
    await world.alias(calm);
    const { names } = await world.check(calm);
    let cases = 0;
    for (const kind of FAULT_KINDS) {
      for (const [at, step] of names.entries()) {
        const row = await world.add(seed, `${kind.replace("_", "-")}-${at}.example.com`);
        await world.alias(row);
        world.sent(row.id);
        await world.check(row, { kind, at });
        // Refused for good: the sweep starts the check again, as it does when a message is lost.
        if (kind === "refused" || kind === "failed_late") {
          world.advance(DAY_MS);
          assert.ok(await world.sweep() > 0, `${kind} at ${step}`);
          orThrow(await world.check(row));
        }
        const where = `${kind} at ${at}, "${step}"`;
        const { status, proof, reaches } = await world.row(row);
        assert.deepEqual([status, proof, reaches], ["verified", "cname", 1], where);
        assert.equal(await world.routed(row.hostname), seed.live, where);
        assert.equal((await world.order(row.hostname))?.workspace_id, seed.workspaceId, where);
        assert.equal(await world.holder(row.hostname), row.id, where);
        cases++;
      }
    }
    assert.ok(cases >= 30, `${cases} cases`);
    assert.ok(world.notifier.seen.has("*"), "the edges are woken");
  },
);

test(
  "a domain without its record is looked for less and less often, fails in the end, and begins again",
  async (db, knot) => {
    const world = await DomainWorld.make(db, knot);
    const row = await world.add(await world.project(), "late.example.com");
    await knot.set(ZONE, "late.example.com", "A", "192.0.2.9");
    assert.equal(orThrow(await world.check(row)).status, "waiting");
    const [sent] = world.world.sent.filter(({ key }) => key === row.id);
    assert.deepEqual([sent?.handler, (sent?.delayMs ?? 0) <= 5_000], ["VerifyDomain", true]);
    assert.equal(orThrow(await world.check(row)).status, "waiting", "too early");
    assert.equal((await world.row(row)).checks, 1, "and nothing was asked");
    const [issue] = decodeIssues((await world.row(row)).findings);
    assert.equal(issue?.code, "points_elsewhere");
    assert.match(issue?.message ?? "", /"late\.example\.com" leads to 192\.0\.2\.9/);
    assert.match(issue?.fix ?? "", /CNAME late\.example\.com -> [a-z0-9]{20}\.cname\.apps\.test/);
    world.advance(7 * DAY_MS);
    assert.equal(await world.status(row), "failed");
    assert.equal(await world.status(row), "failed", "it is not looked for any more");
    assert.equal(await world.sweep(), 0);
    assert.equal(await world.routed("late.example.com"), undefined);
    // As a retry does.
    const nowMs = world.world.nowMs;
    await updateCustomDomain(db.kysely, row.id, { status: "pending", verify_from: nowMs, updated_at: nowMs });
    await knot.set(ZONE, "late.example.com", "A");
    await world.alias(row);
    assert.equal(await world.status(row), "verified");
  },
);

test(
  "a TXT record proves a name that leads elsewhere: it has a route at once, and a certificate when it leads here",
  async (db, knot) => {
    const world = await DomainWorld.make(db, knot);
    const seed = await world.project();
    const row = await world.add(seed, "moving.example.com");
    await knot.set(ZONE, "moving.example.com", "A", "192.0.2.9");
    await world.text(row, "v=spf1 -all");
    assert.equal(await world.status(row), "verified");
    assert.deepEqual([(await world.row(row)).proof, (await world.row(row)).reaches], ["txt", 0]);
    assert.equal(await world.routed("moving.example.com"), seed.live);
    assert.equal(await world.order("moving.example.com"), undefined, "no proof would be accepted yet");
    await knot.set(ZONE, "moving.example.com", "A");
    await world.alias(row);
    world.sent(row.id);
    assert.equal(await world.status(row), "verified");
    assert.deepEqual(world.sent("moving.example.com"), ["ProcessChallenge"]);
  },
);

test("addresses of the edges prove the name that was bought, and no other", async (db, knot) => {
  const world = await DomainWorld.make(db, knot);
  const seed = await world.project();
  const apex = await world.add(seed, ZONE);
  const below = await world.add(seed, "below.example.com");
  await knot.set(ZONE, ZONE, "A", "127.0.0.1");
  assert.equal(await world.status(apex), "verified");
  assert.equal((await world.row(apex)).proof, "address");
  assert.equal(await world.status(below), "waiting", "a wildcard leads anybody's names here");
  assert.match((await world.row(below)).findings ?? "", /proof_missing/);
  await knot.set(ZONE, ZONE, "A", "127.0.0.1", "192.0.2.9");
  const other = await world.add(await world.project(), ZONE);
  assert.equal(await world.status(other), "waiting");
  assert.match((await world.row(other)).findings ?? "", /mixed_addresses/);
});

test("servers that do not answer take no name away", async (db, knot) => {
  const world = await DomainWorld.make(db, knot);
  const row = await world.add(await world.project(), "away.example.com");
  await world.alias(row);
  await world.status(row);
  await knot.stop();
  for (let days = 0; days < 5; days++) {
    assert.equal(await world.status(row), "verified");
    world.advance(DAY_MS);
  }
  const { lost_at: lostAt, reaches, proof, findings } = await world.row(row);
  assert.deepEqual([lostAt, reaches, proof], [null, 1, "cname"]);
  assert.match(findings ?? "", /dns_unavailable/);
  const late = await world.add(await world.project(), "late-away.example.com");
  assert.equal(await world.status(late), "waiting");
});

test(
  "a workspace has its share of first certificates, and the next name waits for its turn",
  async (db, knot) => {
    const world = await DomainWorld.make(db, knot, { certificatesMax: 2 });
    const seed = await world.project();
    const rows = [];
    for (const name of ["one", "two", "three"]) {
      const row = await world.add(seed, `${name}.example.com`);
      await world.alias(row);
      assert.equal(await world.status(row), "verified");
      rows.push(row);
      world.advance(60_000);
    }
    const third = rows[2];
    assert.ok(third !== undefined);
    assert.equal(await world.order("three.example.com"), undefined);
    const { findings, next_check_at: nextAt } = await world.row(third);
    assert.match(findings ?? "", /2 domains of the workspace got their first certificate within 7 days/);
    assert.ok(nextAt - world.world.nowMs > 6 * DAY_MS);
    const foreign = await world.add(await world.project(), "foreign.example.com");
    await world.alias(foreign);
    await world.status(foreign);
    assert.ok(
      await world.order("foreign.example.com") !== undefined,
      "other workspaces have their own share",
    );
    world.advance(7 * DAY_MS);
    await world.status(third);
    assert.ok(await world.order("three.example.com") !== undefined);
  },
);

test("a name of the platform is never verified, whatever the api took", async (db, knot) => {
  const world = await DomainWorld.make(db, knot);
  const row = await world.add(await world.project(), "shop-acme.apps.test");
  await knot.set("apps.test", "shop-acme.apps.test", "CNAME", `${row.target}.`);
  assert.equal(await world.status(row), "waiting");
  assert.equal(await world.routed("shop-acme.apps.test"), undefined);
});

test(
  "a platform without an authority serves names without certificates, and removed domains end their checks",
  async (db, knot) => {
    const world = await DomainWorld.make(db, knot, { certificatesMax: undefined });
    const seed = await world.project({ live: false });
    const row = await world.add(seed, "plain.example.com");
    await world.alias(row);
    assert.equal(await world.status(row), "verified");
    assert.equal(await world.order("plain.example.com"), undefined);
    assert.equal(await world.routed("plain.example.com"), undefined, "nothing is live");
    const live = await world.deploy(seed);
    assert.equal(await world.routed("plain.example.com"), live, "the first deployment takes it");
    await db.kysely.deleteFrom("custom_domains").execute();
    world.sent(row.id);
    assert.equal(orThrow(await world.check(row)).status, "gone");
    assert.deepEqual(world.sent(row.id), []);
  },
);

test(
  "a name follows the live deployment through deploys, rollbacks and promotes, and stays while it is rolled back",
  async (db, knot) => {
    const world = await DomainWorld.make(db, knot);
    const seed = await world.project();
    const name = "sticky.example.com";
    const row = await world.add(seed, name);
    await world.alias(row);
    await world.status(row);
    const first = seed.live;
    const second = await world.deploy(seed);
    assert.equal(await world.routed(name), second, "a deploy takes it along");
    const shown = await listDeploymentViewsByIds(db.kysely, [second]);
    assert.equal(shown.get(second)?.hostnames[0], name, "and shows it first");
    const actor = { kind: "system", name: "test" } as const;
    const routing = routingDeps(db, world.world);
    const options = { key: seed.productionId, world: world.world };
    const back = {
      kind: "rollback",
      sourceDeploymentId: second,
      targetDeploymentId: first,
      cancels: false,
      actor,
    } as const;
    const moved = orThrow(await execute((durable) => move(durable, routing, back), options));
    assert.deepEqual([await world.routed(name), moved.hostnames[0]], [first, name]);
    const third = await world.deploy(seed);
    assert.equal(await world.routed(name), first, "the rollback holds for it too");
    // A name that is verified meanwhile goes where the others are.
    const late = await world.add(seed, "late.example.com");
    await world.alias(late);
    await world.status(late);
    assert.equal(await world.routed("late.example.com"), first);
    const forth = { kind: "promote", targetDeploymentId: third, actor } as const;
    orThrow(await execute((durable) => move(durable, routing, forth), options));
    assert.deepEqual([await world.routed(name), await world.routed("late.example.com")], [third, third]);
  },
);
