import assert from "node:assert/strict";
import { addressProblem } from "./addresses.ts";

function refusals(networks: readonly string[], addresses: readonly string[]): string[] {
  return addresses.filter((each) => addressProblem(each, networks) !== undefined);
}

const PRIVATE = ["10.1.2.3:80", "172.16.0.1:8080", "192.168.0.1:1", "100.64.0.1:80", "[fd00::1]:65535"];
const PUBLIC = ["203.0.113.9:80", "[2001:db8::1]:80"];
const SPECIAL = [
  "127.0.0.1:9070",
  "127.255.255.255:80",
  "0.0.0.0:80",
  "169.254.169.254:80",
  "224.0.0.1:80",
  "255.255.255.255:80",
  "[::]:80",
  "[::1]:80",
  "[::127.0.0.1]:80",
  "[::ffff:127.0.0.1]:80",
  "[::ffff:7f00:1]:80",
  "[0:0:0:0:0:ffff:10.0.0.1]:80",
  "[64:ff9b::7f00:1]:80",
  "[2002:7f00:1::]:80",
  "[fd00:ec2::254]:80",
  "[fe80::1]:80",
  "[ff02::1]:80",
];

Deno.test("addresses of a token without networks may be private or public, and no machine's or link's own", () => {
  assert.deepEqual(refusals([], [...PRIVATE, ...PUBLIC]), []);
  assert.deepEqual(refusals([], SPECIAL), SPECIAL);
  assert.match(addressProblem("127.0.0.1:80", []) ?? "", /^is a loopback, link-local or other special/);
});

Deno.test("addresses must lie in the networks of the token, and the problem names these", () => {
  const networks = ["10.0.0.0/8", "fd00::/8"];
  assert.deepEqual(refusals(networks, ["10.1.2.3:80", "[fd12::1]:80"]), []);
  const others = ["11.0.0.1:80", "192.168.0.1:80", "[fe00::1]:80", ...PUBLIC, ...SPECIAL];
  assert.deepEqual(refusals(networks, others), others);
  assert.equal(
    addressProblem("11.0.0.1:80", networks),
    "is not in the networks of the region's token (10.0.0.0/8, fd00::/8)",
  );
});

Deno.test("special addresses are let in by a network of theirs, and not by one that is wider", () => {
  assert.deepEqual(refusals(["127.0.0.0/8", "10.0.0.0/8"], ["127.0.0.1:80", "10.0.0.1:80"]), []);
  assert.deepEqual(refusals(["127.0.0.1"], ["127.0.0.1:80", "127.0.0.2:80"]), ["127.0.0.2:80"]);
  assert.deepEqual(refusals(["::1"], ["[::1]:80", "[0:0:0:0:0:0:0:1]:80"]), []);
  assert.deepEqual(refusals(["0.0.0.0/0", "::/0"], [...PRIVATE, ...PUBLIC, ...SPECIAL]), SPECIAL);
  assert.deepEqual(refusals(["126.0.0.0/7"], ["126.0.0.1:80", "127.0.0.1:80"]), ["127.0.0.1:80"]);
});

/** A name would be looked up at each connection, and may lead elsewhere by then. */
Deno.test("an address is an IP address with a port, and no name", () => {
  const others = ["", "host:80", "localhost:80", "app.ns.svc.cluster.local:80", "10.0.0.1", "10.0.0.1:0"];
  for (const networks of [[], ["10.0.0.0/8"]]) {
    assert.deepEqual(refusals(networks, others), others);
    const odd = [
      "10.0.0.1:65536",
      "10.0.0.1:080000",
      "010.0.0.1:80",
      "fd00::1:80",
      "[fe80::1%eth0]:80",
      "10.1:80",
    ];
    assert.deepEqual(refusals(networks, odd), odd);
    assert.equal(addressProblem("host:80", networks), "is not an IP address with a port");
  }
});
