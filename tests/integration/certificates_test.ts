/** Certificates from the wish to the edge: a real authority, name server and Restate server, and the real api. */
import assert from "node:assert/strict";
import { readChain } from "../../pkg/acme/mod.ts";
import { hasKnot } from "../../pkg/testkit/knot.ts";
import { hasPebble } from "../../pkg/testkit/pebble.ts";
import { setRenewal } from "../../svc/ctrl/internal/store/mod.ts";
import type { RouteState } from "../../proto/gen/ctrl/v1/frontline_pb.ts";
import { eventually } from "../testbed/wait.ts";
import { Part } from "../testbed/process.ts";
import { CertificateBed } from "./certificate_bed.ts";

const bed = hasPebble() && hasKnot()
  ? await CertificateBed.start({
    worker: (part) => new Part(part),
    env: { UNKEY_DEFAULT_DOMAIN: "apps.test" },
  })
  : undefined;

function test(name: string, run: (bed: CertificateBed) => Promise<void>): void {
  const isOurs = { sanitizeOps: false, sanitizeResources: false };
  Deno.test({
    name,
    ignore: bed === undefined,
    ...isOurs,
    fn: () => run(bed ?? assert.fail("there is no bed")),
  });
}

/** The next message of these kinds. */
async function nextOf(
  stream: AsyncIterator<RouteState>,
  ...kinds: readonly string[]
): Promise<RouteState["state"]> {
  for (;;) {
    const { value, done } = await stream.next();
    if (done === true) throw new Error("the stream must not end here");
    if (kinds.includes(value.state.case ?? "")) return value.state;
  }
}

async function proofsLeft(bed: CertificateBed): Promise<number> {
  return (await bed.worker.db.kysely.selectFrom("acme_challenges").select("token").execute()).length;
}

test("a certificate that is wanted comes to the edges by HTTP-01, and leaves them when it is not wanted any more", async (bed) => {
  const stop = new AbortController();
  const stream = bed.watch(0n, stop.signal)[Symbol.asyncIterator]();
  await nextOf(stream, "snapshotEnd");
  const hostname = "shop.example.com";
  await bed.request(hostname);
  for (;;) {
    const state = await nextOf(stream, "applyCertificate");
    if (state.case !== "applyCertificate" || state.value.hostname !== hostname) continue;
    const leaf = readChain(state.value.certificateChainPem);
    assert.ok(leaf.covers(hostname) && leaf.fitsKey(state.value.privateKeyPem));
    assert.equal(Number(state.value.notAfterMs), leaf.notAfterMs);
    break;
  }
  const certificate = await bed.issued(hostname);
  assert.ok(!certificate.encrypted_private_key.includes("PRIVATE KEY"));
  assert.ok(bed.asked.length > 0, "the authority has asked the edge");
  await eventually("proofs to be taken away", async () => await proofsLeft(bed) === 0);

  await bed.cancel(hostname);
  const gone = await nextOf(stream, "deleteCertificate");
  assert.ok(gone.case === "deleteCertificate");
  assert.equal(gone.value.certificateId, certificate.id);
  await eventually("the wish to be forgotten", async () => await bed.order(hostname) === undefined);
  stop.abort();
});

test("the platform's own wildcard is there without a request, proven by a record that goes again", async (bed) => {
  const certificate = await bed.issued("*.apps.test");
  assert.equal(certificate.workspace_id, "unkey_internal");
  assert.ok(readChain(certificate.chain).covers("*.apps.test"));
  await eventually(
    "the record to go",
    async () => (await bed.knot.texts("_acme-challenge.apps.test")).length === 0,
  );
});

test("a refused proof is tried again until it is accepted, with the authority's reason in between", async (bed) => {
  const hostname = "later.example.com";
  bed.answers = false;
  await bed.request(hostname);
  await bed.untilOrder(hostname, ({ failures, status }) => failures > 0 && status === "waiting");
  const order = await bed.order(hostname);
  assert.match(order?.problem ?? "", /HTTP was not accepted: .*404/);
  assert.ok(order !== undefined && order.next_attempt_at > order.updated_at);
  await eventually("proofs to be taken away", async () => await proofsLeft(bed) === 0);
  bed.answers = true;
  // The user has mended it and does not wait for the next attempt.
  await bed.request(hostname);
  await bed.issued(hostname);
  const after = await bed.order(hostname);
  assert.deepEqual([after?.failures, after?.problem], [0, null]);
});

/** A renewal query that always matched has once spent a week's limit each day. */
test("a certificate is renewed once when it is time, replaces the former one, and keeps its id", async (bed) => {
  const hostname = "renew.example.com";
  await bed.request(hostname);
  const former = await bed.issued(hostname);
  await bed.renew();
  assert.equal((await bed.certificate(hostname))?.chain, former.chain, "it is not time");
  const known = await bed.certificate(hostname);
  assert.ok(known !== undefined && known.advice_at > former.advice_at, "the authority was asked when");
  const third = (known.not_after - known.not_before) / 3;
  assert.ok(
    known.renew_at > known.not_before + third && known.renew_at < known.not_after,
    "within its lifetime",
  );

  await setRenewal(bed.worker.db.kysely, known, { renew_at: 1 });
  await bed.renew();
  await eventually("the renewal", async () => (await bed.certificate(hostname))?.chain !== former.chain);
  await bed.renew();
  const renewed = await bed.issued(hostname);
  assert.equal(renewed.id, former.id);
  assert.ok(renewed.renew_at > renewed.not_before);
  const orders = await bed.worker.db.kysely.selectFrom("acme_orders").select([
    "attempt",
    "outcome",
    "counted",
  ])
    .where("hostname", "=", hostname).orderBy("attempt").execute();
  assert.deepEqual(orders, [
    { attempt: 1, outcome: "issued", counted: 1 },
    // It names what it replaces, which the limits of authorities do not count.
    { attempt: 2, outcome: "issued", counted: 0 },
  ]);
});

test("first uses at once make one account of a workspace", async (bed) => {
  await bed.worker.reseed();
  const { workspaceId } = bed.worker.seed;
  const names = [1, 2, 3, 4].map((number) => `c${number}.example.com`);
  await Promise.all(names.map((hostname) => bed.request(hostname)));
  await Promise.all(names.map((hostname) => bed.issued(hostname)));
  const accounts = await bed.worker.db.kysely.selectFrom("acme_accounts").select([
    "account_url",
    "encrypted_key",
  ])
    .where("workspace_id", "=", workspaceId).execute();
  assert.equal(accounts.length, 1);
  assert.match(accounts[0]?.account_url ?? "", /^https:/);
  assert.ok(!accounts[0]?.encrypted_key.includes("PRIVATE KEY"));
  await assert.rejects(bed.request("c1.example.com", "ws_other"), /another workspace/);
});

test("the bed stops", (bed) => bed[Symbol.asyncDispose]());
