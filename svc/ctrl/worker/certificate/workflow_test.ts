import assert from "node:assert/strict";
import { setAcmeAccountUrl } from "../../internal/store/mod.ts";
import type { ProofRecords } from "../../../../pkg/dns01/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import { type FaultKind } from "../../../../pkg/testkit/fake_durable.ts";
import { hasPebble, TestPebble } from "../../../../pkg/testkit/pebble.ts";
import { freePort } from "../../../../pkg/testkit/ports.ts";
import {
  CertificateWorld,
  type CertificateWorldOptions,
  ordersTaken,
  TestEdge,
  WORKSPACE,
} from "./testing.ts";

interface Bed {
  readonly pebble: TestPebble;
  readonly edge: TestEdge;
  make(options?: CertificateWorldOptions): Promise<CertificateWorld>;
}

/** Runs with an authority and its edge. */
function test(name: string, run: (bed: Bed, t: Deno.TestContext) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !hasPebble(),
    fn: async (t) => {
      const httpPort = freePort();
      await using edge = new TestEdge(httpPort);
      await using pebble = await TestPebble.start({ httpPort });
      const make = async (options?: CertificateWorldOptions): Promise<CertificateWorld> => {
        edge.world = await CertificateWorld.make(pebble, options);
        return edge.world;
      };
      await run({ pebble, edge, make }, t);
    },
  });
}

const KINDS: readonly FaultKind[] = ["lost", "failed_late", "repeated"];

test("an order that breaks anywhere ends with one certificate, and leaves nothing behind", async ({ pebble, make }) => {
  await using world = await make();
  await world.want("calm.example.com");
  const calm = await world.run("calm.example.com");
  assert.ok(calm.result.ok && calm.result.value.kind === "issued");
  let cases = 0;
  for (const kind of KINDS) {
    for (const [at, step] of calm.names.entries()) {
      const hostname = `${kind.replace("_", "-")}-${at}.example.com`;
      const taken = await ordersTaken(pebble);
      await world.want(hostname);
      await world.issue(hostname, { fault: { kind, at } });
      const where = `${kind} at ${at}, "${step}"`;
      assert.equal(await ordersTaken(pebble) - taken, 1, `${where}: one order`);
      const order = await world.order(hostname);
      assert.deepEqual([order?.attempt, order?.order_url, order?.encrypted_key], [1, null, null], where);
      // A clean-up that was reported as failed is the sweep's.
      if (kind !== "failed_late") assert.deepEqual(await world.proofs(), [], where);
      cases++;
    }
    world.advance(3_600_000);
    await world.sweep();
    assert.deepEqual(await world.proofs(), [], `${kind}: the sweep has the rest`);
  }
  assert.ok(cases >= 3 * 10, `${cases} cases`);
  assert.ok(world.notifier.seen.has("*"), "the edges are woken");
});

test("an authority that is away is passed over, and after some failures not asked", async ({ pebble, make }) => {
  let asked = 0;
  const down = { hostname: "127.0.0.1", port: 0, onListen: () => undefined };
  await using broken: Deno.HttpServer<Deno.NetAddr> = Deno.serve(down, () => {
    asked++;
    return new Response("down", { status: 503 });
  });
  const brokenUrl = `http://127.0.0.1:${broken.addr.port}/dir`;
  await using world = await make({ directories: [brokenUrl, pebble.directoryUrl] });
  for (let index = 0; index < 5; index++) {
    const hostname = `over-${index}.example.com`;
    await world.want(hostname);
    const { result } = await world.run(hostname);
    assert.ok(result.ok && result.value.kind === "issued", hostname);
    assert.equal((await world.certificate(hostname))?.directory_url, pebble.directoryUrl);
  }
  assert.equal(asked, 3, "the circuit is open after three failures");
  world.advance(10 * 60_000);
  await world.want("again.example.com");
  await world.run("again.example.com");
  assert.equal(asked, 4, "and is tried again after a while");
});

test("a limit of the authority is waited for as long as it says, without a failure", async ({ pebble, make }) => {
  let asked = 0;
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => undefined };
  await using server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(options, (request) => {
    const { pathname, origin } = new URL(request.url);
    if (pathname === "/dir") return Response.json({ newNonce: `${origin}/n`, newAccount: `${origin}/a` });
    if (pathname === "/n") return new Response(null, { headers: { "replay-nonce": "n" } });
    asked++;
    const problem = {
      type: "urn:ietf:params:acme:error:rateLimited",
      detail: "too many accounts from this address",
    };
    return Response.json(problem, { status: 429, headers: { "retry-after": "7200" } });
  });
  const limited = `http://127.0.0.1:${server.addr.port}/dir`;
  await using world = await make({ directories: [limited] });
  const hostname = "limited.example.com";
  await world.want(hostname);
  const { result } = await world.run(hostname);
  assert.ok(result.ok && result.value.kind === "waiting");
  const order = await world.order(hostname);
  assert.equal(order?.failures, 0);
  assert.match(order?.problem ?? "", /limits orders: too many accounts/);
  const waitMs = (order?.next_attempt_at ?? 0) - world.nowMs;
  assert.ok(waitMs > 7_000_000 && waitMs <= 7_200_000, `${waitMs}`);
  assert.deepEqual(world.sent.map(({ key }) => key), [`${hostname}/2`]);
  assert.ok((world.sent[0]?.delayMs ?? 0) > 7_000_000);
  await world.run(hostname);
  assert.equal(asked, 1, "a message that comes too early asks nothing");
  await world.want(hostname);
  await world.run(hostname);
  assert.equal(asked, 1, "nor does a user who does not want to wait");
  // Another authority that takes it spares the wait.
  await using both = await make({ directories: [limited, pebble.directoryUrl] });
  await both.want("spared.example.com");
  const spared = await both.run("spared.example.com");
  assert.ok(spared.result.ok && spared.result.value.kind === "issued");
});

test("a spent budget asks no authority", async ({ pebble, make }) => {
  const none = { max: 1, windowMs: 3_600_000 };
  const wide = { max: 100, windowMs: 3_600_000 };
  await using world = await make({ limits: { orders: wide, domain: none, duplicate: wide, failures: wide } });
  await world.want("a.example.com");
  await world.issue("a.example.com");
  const taken = await ordersTaken(pebble);
  await world.want("b.example.com");
  const { result } = await world.run("b.example.com");
  assert.ok(result.ok && result.value.kind === "waiting");
  assert.equal(await ordersTaken(pebble), taken);
  assert.match((await world.order("b.example.com"))?.problem ?? "", /limit of orders is spent/);
  world.advance(3_700_000);
  await world.issue("b.example.com");
});

test("a proof that is refused is tried again with growing waits, and its order is given up", async ({ pebble, edge, make }) => {
  await using world = await make();
  edge.answers = false;
  const hostname = "refused.example.com";
  await world.want(hostname);
  const waits: number[] = [];
  for (let failures = 1; failures <= 3; failures++) {
    await world.run(hostname);
    const order = await world.order(hostname);
    assert.equal(order?.status, "waiting", "there is no status of failure");
    assert.deepEqual([order?.failures, order?.order_url], [failures, null]);
    waits.push((order?.next_attempt_at ?? 0) - world.nowMs);
    world.advance(waits.at(-1) ?? 0);
  }
  assert.ok(waits.every((wait, index) => index === 0 || wait > (waits[index - 1] ?? 0) * 0.9), waits.join());
  assert.match((await world.order(hostname))?.problem ?? "", /404/);
  assert.deepEqual(await world.proofs(), []);
  edge.answers = true;
  await world.issue(hostname);
  assert.equal(await ordersTaken(pebble), 4, "each attempt had an order of its own");
});

test("a wish that is cancelled while it is ordered is given up at the authority and forgotten", async ({ make }) => {
  await using world = await make();
  const hostname = "cancelled.example.com";
  await world.want(hostname);
  const { result } = await world.run(hostname, { onSleep: () => world.cancel(hostname) });
  assert.ok(result.ok && result.value.kind === "unwanted");
  assert.equal(await world.order(hostname), undefined);
  assert.equal(await world.certificate(hostname), undefined);
  assert.deepEqual(await world.proofs(), []);
  assert.deepEqual(world.sent, []);
  const again = await world.run(hostname);
  assert.ok(again.result.ok && again.result.value.kind === "unwanted", "a late message finds nothing to do");
});

test("an account that the authority has lost is registered again", async ({ pebble, make }) => {
  await using world = await make();
  await world.want("first.example.com");
  await world.issue("first.example.com");
  const key = { workspace_id: WORKSPACE, directory_url: pebble.directoryUrl };
  const lost = pebble.directoryUrl.replace("/dir", "/my-account/4711");
  await setAcmeAccountUrl(world.db.kysely, key, lost);
  await world.want("second.example.com");
  await world.issue("second.example.com");
  const account = await world.db.kysely.selectFrom("acme_accounts").select("account_url").executeTakeFirst();
  assert.notEqual(account?.account_url, lost);
});

/** A DNS that can be broken. */
function fakeRecords() {
  const shown = new Set<string>();
  const broken = { publish: false, withdraw: false };
  const change = (isBroken: boolean, work: () => void): Promise<void> => {
    if (isBroken) {
      return Promise.reject(new Fault("failed_precondition", "the provider says no to secret-zone-token"));
    }
    work();
    return Promise.resolve();
  };
  const records: ProofRecords = {
    publish: ({ name, value }) => change(broken.publish, () => void shown.add(`${name} ${value}`)),
    isPublished: ({ name, value }) => Promise.resolve(shown.has(`${name} ${value}`)),
    withdraw: ({ name, value }) => change(broken.withdraw, () => void shown.delete(`${name} ${value}`)),
  };
  return { records, shown, broken };
}

test("wildcards need a DNS, whose trouble is a problem with a public text and not an end", async ({ pebble, make }) => {
  await using without = await make();
  await without.want("*.example.com");
  await without.run("*.example.com");
  assert.match((await without.order("*.example.com"))?.problem ?? "", /has no DNS provider/);

  const { records, shown, broken } = fakeRecords();
  const toAuthority: ProofRecords = {
    ...records,
    async publish(proof, signal) {
      await records.publish(proof, signal);
      await pebble.answer("/set-txt", { host: `_acme-challenge.${proof.name}.`, value: proof.value });
    },
  };
  await using world = await make({ records: toAuthority });
  broken.publish = true;
  const hostname = "*.shop.example.com";
  await world.want(hostname);
  await world.run(hostname);
  const order = await world.order(hostname);
  assert.match(order?.problem ?? "", /DNS provider did not take the record/);
  assert.doesNotMatch(order?.problem ?? "", /secret-zone-token/);
  assert.equal(order?.status, "waiting");
  assert.notEqual(order?.order_url, null, "the order is gone on with");
  broken.publish = false;
  broken.withdraw = true;
  await world.issue(hostname);
  assert.equal(await ordersTaken(pebble), 2, "of which one is the other world's");
  assert.equal(shown.size, 1);
  assert.deepEqual(await world.proofs(), [hostname], "a record that stays is not forgotten");
  broken.withdraw = false;
  world.advance(3_600_000);
  await world.sweep();
  assert.deepEqual([await world.proofs(), [...shown]], [[], []], "the sweep takes it away");
});
