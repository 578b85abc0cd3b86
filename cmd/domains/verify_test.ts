import assert from "node:assert/strict";
import { systemClock } from "../../pkg/clock/mod.ts";
import { CustomDomainStatus } from "../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import { NOW, onlyJson } from "../shared/testing.ts";
import { controlPlane, domainOf, servedDomain } from "./testing.ts";

const HOST = "shop.example.com";
/** Waits are over at once. */
const impatient = {
  ...systemClock(),
  now: () => NOW,
  sleep: (ms: number, signal?: AbortSignal) =>
    ms > 60_000 ? systemClock().sleep(ms, signal) : Promise.resolve(),
};

Deno.test("domains verify says how the domain is, and what to do", async () => {
  const looks = [
    domainOf(),
    domainOf({ status: CustomDomainStatus.VERIFIED, issues: [], reaches: false }),
    servedDomain(),
    servedDomain({
      certificate: { problem: "ca.test: too many requests", nextAttemptAt: BigInt(NOW + 60_000) },
    }),
    servedDomain({ lostAt: BigInt(NOW - 7_200_000) }),
  ];
  await using plane = await controlPlane({ looks });
  const texts = [];
  for (let count = 0; count < looks.length; count++) texts.push((await plane.run(["verify", HOST])).stdout);
  assert.match(texts[0] ?? "", /^shop\.example\.com: verifying\n\nRecords to set.*leads to 192\.0\.2\.7/s);
  assert.equal(texts[1], "shop.example.com: verified, leads elsewhere\n");
  assert.equal(texts[2], "shop.example.com: serving https\n");
  assert.equal(
    texts[3],
    "shop.example.com: verified, no certificate yet\n\nIts certificate is not there yet: ca.test: too many requests\n",
  );
  assert.match(texts[4] ?? "", /verified, but its record has been gone for 2h/);
});

Deno.test("domains verify --wait-for tells each change once, and ends when it is served", async () => {
  const waiting = domainOf({ issues: [] });
  const uncertified = servedDomain({ certificate: { notAfter: 0n } });
  await using plane = await controlPlane({ looks: [waiting, waiting, uncertified, servedDomain()] });
  const { code, stdout, stderr } = await plane.run(["verify", HOST, "--wait-for", "10m"], {
    clock: impatient,
  });
  assert.equal(code, 0, stderr);
  assert.equal(stderr, ".. verifying\n.. verified, no certificate yet\n");
  assert.equal(stdout, "shop.example.com: serving https\n");
  assert.equal(plane.calls.length, 4);
});

Deno.test("domains verify --wait-for fails when nothing is looked for any more, and when the time is over", async () => {
  const failed = domainOf({ status: CustomDomainStatus.FAILED });
  await using plane = await controlPlane({ looks: [failed] });
  const ended = await plane.run(["verify", HOST, "--wait-for", "10m"], { clock: impatient });
  assert.equal(ended.code, 1);
  assert.match(
    ended.stderr,
    /not looked for any more\. .*192\.0\.2\.7.*"unkey domains retry shop\.example\.com"/,
  );
  await using slow = await controlPlane();
  const late = await slow.run(["verify", HOST, "--wait-for", "1s"], { clock: systemClock() });
  assert.equal(late.code, 1);
  assert.match(late.stderr, /is not served after 1s: verifying\. .*looked for further on/);
  assert.equal((await slow.run(["verify", HOST, "--wait-for", "soon"])).code, 2);
});

Deno.test("domains verify --json and retry answer with the domain", async () => {
  await using plane = await controlPlane({ looks: [servedDomain()] });
  const seen = onlyJson(await plane.run(["verify", HOST, "--json"]));
  assert.partialDeepStrictEqual(seen, {
    project: "shop",
    status: "verified",
    proof: "cname",
    reaches: true,
    certificate: { notAfter: NOW + 60 * 86_400_000 },
    verifiedAt: NOW - 30_000,
  });
  const retried = await plane.run(["retry", HOST]);
  assert.deepEqual([retried.code, retried.stderr], [
    0,
    "looking for the records of shop.example.com again\n",
  ]);
  assert.partialDeepStrictEqual(onlyJson(await plane.run(["retry", HOST, "--json"])), { domain: HOST });
  assert.deepEqual(plane.calls, [`verify ${HOST}`, `retry ${HOST}`, `retry ${HOST}`]);
});
