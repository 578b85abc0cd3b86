import assert from "node:assert/strict";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { certificateHostname, isWildcard, registeredDomain } from "./mod.ts";

Deno.test("certificateHostname() takes names of the DNS and wildcards of one label, in lower case", () => {
  const long = `${"a".repeat(63)}.`.repeat(3);
  for (
    const [given, expected] of [
      ["Shop.Example.com", "shop.example.com"],
      ["example.com.", "example.com"],
      ["*.example.com", "*.example.com"],
      ["xn--bcher-kva.example", "xn--bcher-kva.example"],
    ] as const
  ) {
    assert.equal(certificateHostname("hostname", given), expected);
  }
  const wrong = [
    "",
    "localhost",
    "*",
    "*.com.*",
    "a.*.example.com",
    "a_b.example.com",
    "-a.example.com",
    "10.0.0.1",
    "a b.com",
  ];
  for (
    const given of [...wrong, `${long}${long}com`, `${"a".repeat(64)}.com`, "example.com/", "example.com:443"]
  ) {
    assert.throws(
      () => certificateHostname("hostname", given),
      (error) => isFault(error, "invalid_argument"),
      given,
    );
  }
  assert.deepEqual([isWildcard("*.a.com"), isWildcard("a.com")], [true, false]);
});

Deno.test("registeredDomain() is the name that limits of authorities are about", () => {
  for (
    const [hostname, domain] of [
      ["a.b.example.com", "example.com"],
      ["*.shop.example.co.uk", "example.co.uk"],
      ["shop.github.io", "shop.github.io"],
      ["localhost", "localhost"],
    ] as const
  ) {
    assert.equal(registeredDomain(hostname), domain);
  }
});
