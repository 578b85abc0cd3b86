import assert from "node:assert/strict";
import { isInNetworks, isInside, type Network, parseNetwork } from "./mod.ts";

function network(text: string): Network {
  return parseNetwork(text) ?? assert.fail(text);
}

Deno.test("parseNetwork() takes networks and addresses of both families, and nothing else", () => {
  for (const text of ["10.0.0.0/8", "0.0.0.0/0", "10.1.2.3", "fd00::/8", "::/0", "::1", "fd00::1/128"]) {
    assert.equal(parseNetwork(text)?.text, text);
  }
  const others = [
    "",
    "x",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "fd00::/129",
    "10.0.0/8",
  ];
  for (const text of [...others, "010.0.0.1", "fe80::1%eth0", "[fd00::]/8", " 10.0.0.0/8", "10.0.0.0/ 8"]) {
    assert.equal(parseNetwork(text), undefined, text);
  }
});

Deno.test("isInNetworks() compares addresses, however they are written, with networks of their family", () => {
  const networks = [network("10.0.0.0/8"), network("fd00::/8"), network("192.0.2.7")];
  for (const address of ["10.0.0.0", "10.255.255.255", "fd12::1", "FD00:0:0::1", "192.0.2.7"]) {
    assert.equal(isInNetworks(networks, address), true, address);
  }
  for (const address of ["11.0.0.0", "9.255.255.255", "fe00::1", "192.0.2.8", "::ffff:10.0.0.1", "x", ""]) {
    assert.equal(isInNetworks(networks, address), false, address);
  }
  assert.equal(isInNetworks([network("::ffff:0:0/96")], "::ffff:10.0.0.1"), true);
  assert.equal(isInNetworks([network("0.0.0.0/0")], "::1"), false);
  assert.equal(isInNetworks([], "10.0.0.1"), false);
});

Deno.test("isInside() holds for a part of a network and for the network itself, and not for a larger one", () => {
  assert.equal(isInside(network("127.0.0.0/16"), network("127.0.0.0/8")), true);
  assert.equal(isInside(network("127.0.0.0/8"), network("127.0.0.0/8")), true);
  assert.equal(isInside(network("0.0.0.0/0"), network("127.0.0.0/8")), false);
  assert.equal(isInside(network("126.0.0.0/9"), network("127.0.0.0/8")), false);
  assert.equal(isInside(network("::1"), network("0.0.0.0/0")), false);
});
