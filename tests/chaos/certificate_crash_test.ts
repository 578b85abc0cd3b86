/** The worker is killed before and after every step of an order, on a real Restate server with a real authority. */
import assert from "node:assert/strict";
import { hasPebble } from "../../pkg/testkit/pebble.ts";
import { CertificateBed } from "../integration/certificate_bed.ts";
import { eventually } from "../testbed/wait.ts";
import { type Crash, StandbyWorker } from "./standby_worker.ts";

type Bed = CertificateBed<StandbyWorker>;

/** More steps than an order has. */
const STEPS_MAX = 40;

/** The number of orders that the authority has ever taken. */
async function ordersTaken(bed: Bed): Promise<number> {
  return (await bed.pebble.log()).match(/There are now \d+ orders in the db/g)?.length ?? 0;
}

/** Orders one certificate; true when the worker died on the way. */
async function play(bed: Bed, hostname: string, crash: Crash | undefined): Promise<boolean> {
  const { worker } = bed.worker;
  const { crashes } = worker;
  const taken = await ordersTaken(bed);
  if (crash !== undefined) await worker.arm(crash);
  await bed.request(hostname);
  await bed.issued(hostname);
  await quiet(bed, hostname);
  const steps = crash === undefined ? 0 : await worker.calm();
  // A worker that dies in its very last step is seen a moment later.
  if (steps === undefined) await eventually("the next worker", () => worker.crashes > crashes);
  const { db } = bed.worker;
  const certificates = await db.kysely.selectFrom("certificates").select("id").where(
    "hostname",
    "=",
    hostname,
  )
    .execute();
  const challenges = await db.kysely.selectFrom("acme_challenges").select("token").execute();
  const order = await bed.order(hostname);
  const where = JSON.stringify(crash);
  assert.equal(certificates.length, 1, where);
  assert.deepEqual(challenges, [], `${where}: proofs are taken away`);
  assert.deepEqual([order?.attempt, order?.failures, order?.order_url, order?.encrypted_key], [
    1,
    0,
    null,
    null,
  ], where);
  assert.equal(await ordersTaken(bed) - taken, 1, `${where}: no order is left behind at the authority`);
  return worker.crashes > crashes;
}

async function quiet(bed: Bed, hostname: string): Promise<void> {
  const query = `select count(*) as count from sys_invocation where target_service_key = '${hostname}'
    and status not in ('completed', 'scheduled')`;
  await eventually(
    "the order to end",
    async () => Number((await bed.worker.ask(query))[0]?.["count"]) === 0,
    {
      everyMs: 20,
    },
  );
}

Deno.test({
  name:
    "the worker dies before and after every step of an order: one certificate, and nothing is left behind",
  ignore: !hasPebble(),
  fn: async () => {
    await using bed = await CertificateBed.start({ worker: (part) => new StandbyWorker(part) });
    await play(bed, "calm.example.com", undefined);
    let cases = 0;
    for (const when of ["before", "after"] as const) {
      for (let at = 0; await play(bed, `${when}-${at}.example.com`, { at, when }); at++) {
        assert.ok(at < STEPS_MAX, "the order never ends without a crash");
        cases++;
      }
    }
    assert.ok(cases >= 18, `${cases} cases`);
  },
});
