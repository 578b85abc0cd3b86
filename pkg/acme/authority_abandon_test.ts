import assert from "node:assert/strict";
import { systemClock } from "../clock/mod.ts";
import { Secret } from "../secret/mod.ts";
import { hasPebble, TestPebble } from "../testkit/pebble.ts";
import { freePort } from "../testkit/ports.ts";
import { type Account, newPrivateKey, openAuthority, type Outcome } from "./mod.ts";

const never = new AbortController().signal;

function value<T>(outcome: Outcome<T>): T {
  if (outcome.kind !== "ok") throw new Error(JSON.stringify(outcome));
  return outcome.value;
}

Deno.test({
  name: "an order that is abandoned while the authority checks it leaves the account usable",
  ignore: !hasPebble(),
  fn: async () => {
    const httpPort = freePort();
    const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await using _server = Deno.serve(
      { hostname: "127.0.0.1", port: httpPort, onListen: () => undefined },
      async () => {
        asked.resolve();
        await answered.promise;
        return new Response("wrong", { status: 404 });
      },
    );
    await using pebble = await TestPebble.start({ httpPort });
    const authority = openAuthority({
      directoryUrl: pebble.directoryUrl,
      clock: systemClock(),
      trusted: [pebble.trusted],
    });
    const key: Secret = newPrivateKey();
    const account: Account = { key, url: value(await authority.register({ key }, {}, never)) };
    const order = value(await authority.placeOrder(account, { hostname: "slow.test" }, never));
    const challenge = value(await authority.readChallenge(account, order.url, "http-01", never));
    value(await authority.answerChallenge(account, challenge, never));
    await asked.promise;
    value(await authority.abandon(account, order.url, never));
    answered.resolve();
    for (let at = 0; at < 3; at++) {
      const hostname = `next${at}.test`;
      value(await authority.placeOrder(account, { hostname }, never));
      assert.equal(value(await authority.findOrder(account, hostname, never))?.hostname, hostname);
    }
    assert.equal(value(await authority.findOrder(account, "slow.test", never)), undefined);
  },
});
