import assert from "node:assert/strict";
import { systemClock } from "../clock/mod.ts";
import { Secret } from "../secret/mod.ts";
import { eventually } from "../testkit/eventually.ts";
import { EXTERNAL_ACCOUNT, hasPebble, TestPebble, type TestPebbleOptions } from "../testkit/pebble.ts";
import {
  type Account,
  type Authority,
  type AuthorityOptions,
  newPrivateKey,
  openAuthority,
  type OrderState,
  type Outcome,
  readChain,
} from "./mod.ts";

const clock = systemClock();
const never = new AbortController().signal;

function test(name: string, options: TestPebbleOptions, run: (pebble: TestPebble) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !hasPebble(),
    fn: async () => {
      await using pebble = await TestPebble.start(options);
      await run(pebble);
    },
  });
}

function open(pebble: TestPebble, more: Partial<AuthorityOptions> = {}): Authority {
  return openAuthority({ directoryUrl: pebble.directoryUrl, clock, trusted: [pebble.trusted], ...more });
}

function value<T>(outcome: Outcome<T>): T {
  if (outcome.kind !== "ok") throw new Error(JSON.stringify(outcome));
  return outcome.value;
}

async function register(authority: Authority): Promise<Account> {
  const key = newPrivateKey();
  return { key, url: value(await authority.register({ key }, { email: "ops@example.com" }, never)) };
}

async function until(
  authority: Authority,
  account: Account,
  order: OrderState,
  status: OrderState["status"],
): Promise<OrderState> {
  let state = order;
  await eventually(`the order to be ${status}`, async () => {
    state = value(await authority.readOrder(account, order.url, never));
    return state.status === status;
  });
  return state;
}

/** From an order to its chain. */
async function obtain(
  pebble: TestPebble,
  authority: Authority,
  account: Account,
  { hostname, replaces }: { readonly hostname: string; readonly replaces?: string | undefined },
) {
  const order = value(await authority.placeOrder(account, { hostname, replaces }, never));
  const isWildcard = hostname.startsWith("*.");
  const type = isWildcard ? "dns-01" : "http-01";
  const challenge = value(await authority.readChallenge(account, order.url, type, never));
  if (isWildcard) {
    await pebble.answer("/set-txt", {
      host: `_acme-challenge.${hostname.slice(2)}.`,
      value: challenge.dnsValue,
    });
  } else await pebble.answer("/add-http01", { token: challenge.token, content: challenge.keyAuthorization });
  value(await authority.answerChallenge(account, challenge, never));
  await until(authority, account, order, "ready");
  const key = newPrivateKey();
  value(await authority.finalize(account, order.url, key, never));
  await until(authority, account, order, "valid");
  const chain = value(await authority.download(account, order.url, never));
  return { chain, key, leaf: readChain(chain), order };
}

test("an order comes to a certificate, by HTTP-01 and by DNS-01, also when nonces are refused", {
  badNoncePercent: 20,
}, async (pebble) => {
  // Without a profile this authority takes a random one.
  const authority = open(pebble, { profile: "default" });
  const account = await register(authority);
  for (const hostname of ["shop.example.com", "*.example.com"]) {
    const { leaf, key } = await obtain(pebble, authority, account, { hostname });
    assert.ok(leaf.covers(hostname), hostname);
    assert.ok(!leaf.covers("other.example.com"));
    assert.ok(leaf.fitsKey(key.reveal()));
    assert.ok(!leaf.fitsKey(newPrivateKey().reveal()));
    assert.equal(Math.round((leaf.notAfterMs - leaf.notBeforeMs) / 86_400_000), 90);
  }
});

test("the same key is the same account, and an order that a crash left open is found", {}, async (pebble) => {
  const authority = open(pebble);
  const account = await register(authority);
  const again = value(await authority.register({ key: account.key }, { email: "ops@example.com" }, never));
  assert.equal(again, account.url);
  assert.equal(value(await authority.findOrder(account, "b.example.com", never)), undefined);
  for (const hostname of ["a.example.com", "b.example.com", "c.example.com", "d.example.com"]) {
    value(await authority.placeOrder(account, { hostname }, never));
  }
  const found = value(await authority.findOrder(account, "d.example.com", never));
  assert.equal(found?.status, "pending");
  assert.equal(found?.hostname, "d.example.com");
  value(await authority.abandon(account, found?.url ?? "", never));
  await until(authority, account, found ?? assert.fail("no order"), "invalid");
  assert.equal(value(await authority.findOrder(account, "d.example.com", never)), undefined);
});

test(
  "a renewal replaces the former certificate once, with the profile and the window of the authority",
  {},
  async (pebble) => {
    const authority = open(pebble, { profile: "shortlived" });
    const account = await register(authority);
    const hostname = "renew.example.com";
    const { chain, leaf } = await obtain(pebble, authority, account, { hostname });
    assert.equal(Math.round((leaf.notAfterMs - leaf.notBeforeMs) / 86_400_000), 6);
    const id = leaf.renewalId ?? assert.fail("the certificate names no issuer's key");
    const info = value(await authority.renewalInfo(id, never));
    assert.ok(
      info !== undefined && info.window.startMs > leaf.notBeforeMs && info.window.endMs < leaf.notAfterMs,
    );
    const suggestedWindow = { start: "2026-01-02T03:04:05Z", end: "2026-01-03T03:04:05Z" };
    await pebble.setRenewalInfo(chain, { suggestedWindow });
    assert.deepEqual(value(await authority.renewalInfo(id, never))?.window, {
      startMs: Date.UTC(2026, 0, 2, 3, 4, 5),
      endMs: Date.UTC(2026, 0, 3, 3, 4, 5),
    });
    const { order } = await obtain(pebble, authority, account, { hostname, replaces: id });
    // A second replacement is refused by the authority, and is ordered without the reference.
    const third = value(await authority.placeOrder(account, { hostname, replaces: id }, never));
    assert.notEqual(third.url, order.url);
    await eventually("the refusal in its log", async () => /already|replac/i.test(await pebble.log()));
  },
);

test("a challenge that is answered twice is answered once", {}, async (pebble) => {
  const authority = open(pebble);
  const account = await register(authority);
  const order = value(await authority.placeOrder(account, { hostname: "twice.example.com" }, never));
  const challenge = value(await authority.readChallenge(account, order.url, "http-01", never));
  await pebble.answer("/add-http01", { token: challenge.token, content: challenge.keyAuthorization });
  value(await authority.answerChallenge(account, challenge, never));
  await until(authority, account, order, "ready");
  value(await authority.answerChallenge(account, challenge, never));
  const unknown = await authority.answerChallenge(account, { url: `${challenge.url}x` }, never);
  assert.notEqual(unknown.kind, "ok");
});

test("a wrong answer is refused with the reason that the authority gives", {}, async (pebble) => {
  const authority = open(pebble);
  const account = await register(authority);
  const order = value(await authority.placeOrder(account, { hostname: "wrong.example.com" }, never));
  const challenge = value(await authority.readChallenge(account, order.url, "http-01", never));
  await pebble.answer("/add-http01", { token: challenge.token, content: "nonsense" });
  value(await authority.answerChallenge(account, challenge, never));
  await until(authority, account, order, "invalid");
  const after = value(await authority.readChallenge(account, order.url, "http-01", never));
  assert.equal(after.status, "invalid");
  assert.match(after.problem ?? "", /key authorization|challenge response/i);
  const refused = await authority.placeOrder(account, { hostname: "*.*.example.com" }, never);
  assert.equal(refused.kind, "refused");
});

test(
  "an external account is bound with its key, and is asked for",
  { requiresExternalAccount: true },
  async (pebble) => {
    const refused = await open(pebble).register({ key: newPrivateKey() }, {}, never);
    assert.equal(refused.kind === "refused" && refused.type, "externalAccountRequired");
    const { keyId, hmacKey } = EXTERNAL_ACCOUNT;
    const bound = open(pebble, { externalAccount: { keyId, hmacKey: new Secret(hmacKey) } });
    assert.match(value(await bound.register({ key: newPrivateKey() }, {}, never)), /^https:/);
  },
);

Deno.test("an authority that cannot be reached is tried again, and a call ends with its signal", async () => {
  const authority = openAuthority({ directoryUrl: "https://127.0.0.1:1/dir", clock });
  const outcome = await authority.register({ key: newPrivateKey() }, {}, never);
  assert.equal(outcome.kind, "retry");
  assert.match(outcome.kind === "retry" ? outcome.detail : "", /127\.0\.0\.1:1 cannot be reached/);
  const gone = AbortSignal.abort(new Error("stopped"));
  await assert.rejects(authority.register({ key: newPrivateKey() }, {}, gone), /stopped/);
});
