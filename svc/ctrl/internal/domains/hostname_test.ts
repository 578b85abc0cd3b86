import assert from "node:assert/strict";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { customHostname, isWithin } from "./mod.ts";

const OWN = ["apps.test", "eu.region.test"];

Deno.test("a name has one form, whatever a user types", async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ["shop.example.com", "shop.example.com"],
    ["Shop.EXAMPLE.com.", "shop.example.com"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["BÜCHER.example.", "xn--bcher-kva.example"],
    ["例え.jp", "xn--r8jz45g.jp"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
    ["example.co.uk", "example.co.uk"],
    ["me.github.io", "me.github.io"],
    ["shop.corp.internal", "shop.corp.internal"],
    ["notapps.test", "notapps.test"],
    ["apps.test.example.com", "apps.test.example.com"],
  ];
  for (const [given, expected] of cases) {
    await t.step(given, () => assert.equal(customHostname("domain", given, OWN), expected));
  }
});

Deno.test("what cannot be a name of one's own is refused with a reason", async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["", /domain is required/],
    ["https://shop.example.com", /without https:\/\/ and without a path/],
    ["shop.example.com/path", /without https:\/\/ and without a path/],
    ["*.example.com", /must not contain \*: add each name/],
    ["10.0.0.1", /a name, not an IP address/],
    ["[2001:db8::1]", /a name, not an IP address/],
    ["2001:db8::1", /a name, not an IP address/],
    ["localhost", /host name with at least one dot/],
    ["com", /host name with at least one dot/],
    ["co.uk", /below it, anybody can have one/],
    ["github.io", /below it, anybody can have one/],
    ["shop.example.com:443", /host name/],
    ["user@example.com", /host name/],
    ["a b.example.com", /host name/],
    ["a_b.example.com", /host name/],
    ["-a.example.com", /host name/],
    ["a..example.com", /host name/],
    ["%73hop.example.com", /host name/],
    ["shop.example.com..", /host name/],
    ["shop\u0000.example.com", /host name/],
    ["ex\u00adample.123", /host name/],
    [`${"a".repeat(64)}.example.com`, /host name/],
    [`${`${"a".repeat(60)}.`.repeat(4)}com`, /at most 246 characters/],
    ["a".repeat(1_001), /too long/],
  ];
  for (const [given, text] of cases) {
    await t.step(JSON.stringify(given.slice(0, 40)), () => {
      assert.throws(
        () => customHostname("domain", given, OWN),
        (error) => isFault(error, "invalid_argument") && text.test(error.publicMessage ?? ""),
      );
    });
  }
});

Deno.test("names of the platform are refused, at any depth and in any form", () => {
  for (const given of ["apps.test", "shop-acme.apps.test", "a.b.APPS.test.", "x.eu.region.test"]) {
    assert.throws(
      () => customHostname("domain", given, OWN),
      (error) =>
        isFault(error, "failed_precondition") && /a name of the platform/.test(error.publicMessage ?? ""),
      given,
    );
  }
  assert.ok(isWithin("a.apps.test", "apps.test") && !isWithin("aapps.test", "apps.test"));
});
