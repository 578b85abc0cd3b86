import assert from "node:assert/strict";
import { hasPebble, TestPebble } from "../../../../pkg/testkit/pebble.ts";
import { freePort } from "../../../../pkg/testkit/ports.ts";
import { setRenewal } from "../../internal/store/mod.ts";
import { CertificateWorld, TestEdge } from "./testing.ts";

const DAY_MS = 86_400_000;

function test(
  name: string,
  run: (world: CertificateWorld, pebble: TestPebble, edge: TestEdge) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: !hasPebble(),
    fn: async () => {
      const httpPort = freePort();
      await using edge = new TestEdge(httpPort);
      await using pebble = await TestPebble.start({ httpPort });
      await using world = await CertificateWorld.make(pebble);
      edge.world = world;
      await run(world, pebble, edge);
    },
  });
}

async function issue(world: CertificateWorld, hostname: string) {
  await world.want(hostname);
  return await world.issue(hostname);
}

test("the time of a renewal is the authority's, also when it changes its mind", async (world, pebble) => {
  const hostname = "advised.example.com";
  const { chain, not_before: notBeforeMs, not_after: notAfterMs } = await issue(world, hostname);
  assert.equal(
    (await world.certificate(hostname))?.renew_at,
    notBeforeMs + Math.round((notAfterMs - notBeforeMs) * 2 / 3),
  );
  const window = (fromMs: number, toMs: number) => ({
    suggestedWindow: { start: new Date(fromMs).toISOString(), end: new Date(toMs).toISOString() },
  });
  await pebble.setRenewalInfo(chain, window(notBeforeMs + 10 * DAY_MS, notBeforeMs + 12 * DAY_MS));
  assert.deepEqual((await world.sweep()).orders, []);
  const advised = await world.certificate(hostname);
  assert.ok(advised !== undefined);
  assert.ok(advised.renew_at >= notBeforeMs + 10 * DAY_MS && advised.renew_at <= notBeforeMs + 12 * DAY_MS);
  assert.ok(advised.advice_at > world.nowMs, "it is not asked again at once");

  // The authority is going to revoke it.
  await pebble.setRenewalInfo(chain, window(notBeforeMs - 2 * DAY_MS, notBeforeMs - DAY_MS));
  assert.deepEqual((await world.sweep()).orders, [], "not before it is time to ask again");
  world.advance(Math.max(0, advised.advice_at - world.nowMs));
  const { orders, checked } = await world.sweep();
  assert.deepEqual([orders.map((order) => [order.hostname, order.attempt]), checked], [[[hostname, 2]], 1]);
  await world.run(hostname);
  const renewed = await world.certificate(hostname);
  assert.ok(renewed !== undefined && renewed.chain !== chain && renewed.id === advised.id);
  assert.deepEqual((await world.sweep()).orders, [], "once");
});

test(
  "without advice a certificate is renewed in time, and an operator can ask for earlier",
  async (world, pebble) => {
    const hostname = "silent.example.com";
    const { chain } = await issue(world, hostname);
    await pebble.setRenewalInfo(chain, "not a window");
    await world.sweep();
    const kept = await world.certificate(hostname);
    assert.ok(kept !== undefined && kept.advice_at > world.nowMs);
    assert.equal(kept.renew_at, kept.not_before + Math.round((kept.not_after - kept.not_before) * 2 / 3));
    assert.deepEqual((await world.sweep(30)).orders, [], "it ends in 90 days");
    assert.deepEqual((await world.sweep(100)).orders.map((order) => order.hostname), [hostname]);
    await world.run(hostname);
    assert.notEqual((await world.certificate(hostname))?.chain, chain);
  },
);

/** The seed system never looked again at a challenge that was failed or pending. */
test("an order whose message is lost, or whose worker is gone, is found again", async (world) => {
  for (const hostname of ["lost.example.com", "gone.example.com", "busy.example.com"]) {
    await world.want(hostname);
  }
  assert.deepEqual((await world.sweep()).orders, [], "their messages are on the way");
  await world.change("gone.example.com", { status: "ordering", attempt: 3 });
  world.advance(16 * 60_000);
  await world.change("busy.example.com", { status: "ordering", attempt: 1 });
  const { orders } = await world.sweep();
  assert.deepEqual(
    orders.map(({ hostname, attempt }) => `${hostname} ${attempt}`).sort(),
    ["gone.example.com 3", "lost.example.com 1"],
  );
});

test("a certificate that does not come is reported long before it ends", async (world, _pebble, edge) => {
  const hostname = "late.example.com";
  const certificate = await issue(world, hostname);
  assert.deepEqual((await world.sweep()).failing, []);
  edge.answers = false;
  await setRenewal(world.db.kysely, certificate, {
    renew_at: world.nowMs - 1,
    advice_at: world.nowMs + 900 * DAY_MS,
  });
  world.advance(1_000);
  await world.run(hostname);
  assert.deepEqual((await world.sweep()).failing, [], "one failure is no reason to wake anybody");
  world.advance(31 * DAY_MS);
  assert.deepEqual((await world.sweep()).failing, [hostname]);
  // The sweep is each minute, the alarm is not.
  world.advance(60_000);
  assert.deepEqual((await world.sweep()).failing, [hostname]);
  assert.ok(world.nowMs < certificate.not_after - 50 * DAY_MS, "most of its life is left");
  const alarm = world.lines.filter((line) => line.includes("a certificate is late"));
  assert.equal(alarm.length, 1);
  assert.match(alarm[0] ?? "", /late\.example\.com.*404/);
  assert.ok(!world.lines.some((line) => line.includes("PRIVATE KEY")));
});
