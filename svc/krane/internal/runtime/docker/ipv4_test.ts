import assert from "node:assert/strict";
import { ipText, overlaps, parseIp, parseSubnet, routedSubnets } from "./ipv4.ts";

Deno.test("parseIp() and ipText() are inverse, and other texts are no addresses", () => {
  for (const text of ["0.0.0.0", "10.128.1.0", "255.255.255.255"]) {
    const number = parseIp(text);
    assert.equal(number === undefined ? "" : ipText(number), text);
  }
  for (const text of ["", "10.0.0", "10.0.0.256", "10.0.0.-1", "10.0.0.0x1", "::1", "a.b.c.d", "1.2.3."]) {
    assert.equal(parseIp(text), undefined, text);
  }
});

Deno.test("subnets overlap when one holds an address of the other", () => {
  const parse = (text: string) => parseSubnet(text) ?? assert.fail(text);
  const ten = parse("10.128.0.7/18");
  assert.deepEqual([ipText(ten.first), ipText(ten.last)], ["10.128.0.0", "10.128.63.255"]);
  assert.ok(overlaps(ten, parse("10.0.0.0/8")) && overlaps(parse("10.128.5.0/24"), ten));
  assert.ok(!overlaps(ten, parse("10.128.64.0/18")) && !overlaps(ten, parse("10.127.0.0/16")));
  for (const text of ["10.0.0.0", "10.0.0.0/33", "x/8"]) assert.equal(parseSubnet(text), undefined, text);
});

Deno.test("routedSubnets() reads Linux's table, without the default route", () => {
  const table = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n" +
    "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" +
    "tun0\t0000800A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
  assert.deepEqual(routedSubnets(table), [parseSubnet("10.128.0.0/16")]);
  assert.deepEqual(routedSubnets(""), []);
});
