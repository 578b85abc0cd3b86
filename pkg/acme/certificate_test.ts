import assert from "node:assert/strict";
import { isFault } from "../fault/mod.ts";
import { newPrivateKey, readChain, renewalId } from "./mod.ts";

/** For `Shop.Example.com` and `*.apps.example.com`, with the serial number of the example in RFC 9773. */
const LEAF = `-----BEGIN CERTIFICATE-----
MIIBjDCCATGgAwIBAgIFAIdlQyEwCgYIKoZIzj0EAwIwGTEXMBUGA1UEAwwOdGVz
dCBhdXRob3JpdHkwHhcNMjYxMTMwMDcyNjI1WhcNMjcwMjAyMDcyNjI1WjAMMQow
CAYDVQQDDAF4MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE4wrenS8nhU8SnpQ8
iKoB8gHnuhS0xGYx5lBX1Xk73aASfOb1nWm/f24TvgWrYn7dZM4Hx/EoZ02QUv/h
MLCZA6NzMHEwLwYDVR0RBCgwJoIQU2hvcC5FeGFtcGxlLmNvbYISKi5hcHBzLmV4
YW1wbGUuY29tMB8GA1UdIwQYMBaAFJ3ScKkTgEDS7qjZTOmOADdzC8pVMB0GA1Ud
DgQWBBSLrcMLnyRBBBRfQuZT6NZLdMid/TAKBggqhkjOPQQDAgNJADBGAiEA0fBi
0+2QcUnwZERv6JfmchKv6m7GgmEMIClDLlAr5QACIQC7V2FZ1YnkSpBoKZ7XVcFZ
tzZp/XbwOGr6gcCA3oAppw==
-----END CERTIFICATE-----`;
const ISSUER_KEY_ID = "ndJwqROAQNLuqNlM6Y4AN3MLylU";

/** A value with its tag and length, as DER writes it. */
function der(tag: number, ...parts: readonly (readonly number[])[]): number[] {
  const content = parts.flat();
  const { length } = content;
  if (length < 0x80) return [tag, length, ...content];
  return length < 0x100
    ? [tag, 0x81, length, ...content]
    : [tag, 0x82, length >>> 8, length & 0xff, ...content];
}

const AUTHORITY_KEY_ID = [0x06, 0x03, 0x55, 0x1d, 0x23];
const VERSION = der(0xa0, der(0x02, [2]));

interface Parts {
  readonly version?: readonly number[];
  readonly serial: readonly number[];
  /** Undefined: the certificate has no such extension. */
  readonly keyId?: readonly number[];
  /** Bytes that make the lengths around them longer. */
  readonly padding?: number;
  readonly keyTag?: number;
}

/** The fields of a certificate that its name is made of. */
function certificate({ version = VERSION, serial, keyId, padding = 0, keyTag = 0x80 }: Parts): Uint8Array {
  const extension = keyId === undefined
    ? []
    : der(0x30, AUTHORITY_KEY_ID, der(0x04, der(0x30, der(keyTag, keyId))));
  const filler = der(0x04, new Array<number>(padding).fill(0));
  return Uint8Array.from(der(0x30, der(0x30, version, der(0x02, serial), filler, extension)));
}

/** RFC 9773, section 4.1. */
const EXAMPLE_KEY_ID = [
  ...[0x69, 0x88, 0x5b, 0x6b, 0x87, 0x46, 0x40, 0x41, 0xe1, 0xb3],
  ...[0x7b, 0x84, 0x7b, 0xa0, 0xae, 0x2c, 0xde, 0x01, 0xc8, 0xd4],
];
const EXAMPLE_SERIAL = [0x00, 0x87, 0x65, 0x43, 0x21];
const EXAMPLE = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";

Deno.test("renewalId() is the name that RFC 9773 gives to a certificate", async (t) => {
  const serial = EXAMPLE_SERIAL;
  const keyId = EXAMPLE_KEY_ID;
  const cases: readonly (readonly [string, Parts, string | undefined])[] = [
    ["the example, with the zero byte of its serial number", { serial, keyId }, EXAMPLE],
    ["a length of two bytes", { serial, keyId, padding: 150 }, EXAMPLE],
    ["a length of three bytes", { serial, keyId, padding: 3_000 }, EXAMPLE],
    ["a certificate of version 1", { version: [], serial, keyId }, EXAMPLE],
    ["a serial number of one byte", { serial: [7], keyId: [0xff, 0xfe] }, "__4.Bw"],
    ["no key of the issuer", { serial }, undefined],
    ["the issuer's name instead of its key", { serial, keyId, keyTag: 0xa1 }, undefined],
  ];
  for (const [name, parts, expected] of cases) {
    await t.step(name, () => assert.equal(renewalId(certificate(parts)), expected));
  }
});

Deno.test("renewalId() of bytes that are no certificate is none, wherever they end", async (t) => {
  const whole = certificate({ serial: EXAMPLE_SERIAL, keyId: EXAMPLE_KEY_ID });
  await t.step("nothing", () => assert.equal(renewalId(new Uint8Array()), undefined));
  await t.step(
    "another tag",
    () => assert.equal(renewalId(Uint8Array.from([0x31, 0x02, 0x30, 0x00])), undefined),
  );
  await t.step("a length without an end", () => {
    assert.equal(renewalId(Uint8Array.from([0x30, 0xff, ...new Array<number>(200).fill(0xff)])), undefined);
  });
  await t.step("a beginning", () => {
    for (let length = 0; length < whole.length - EXAMPLE_KEY_ID.length; length++) {
      assert.equal(
        renewalId(whole.subarray(0, length))?.startsWith("aYhb") ?? false,
        false,
        `${length} bytes`,
      );
    }
  });
});

Deno.test("readChain() reads the leaf of a chain, with its times in universal time", () => {
  const leaf = readChain(`some words before\n${LEAF}\n${LEAF}`);
  assert.equal(leaf.notBeforeMs, Date.UTC(2026, 10, 30, 7, 26, 25));
  assert.equal(leaf.notAfterMs, Date.UTC(2027, 1, 2, 7, 26, 25));
  assert.equal(leaf.renewalId, `${ISSUER_KEY_ID}.AIdlQyE`);
  assert.equal(leaf.fitsKey(newPrivateKey().reveal()), false);
});

Deno.test("a leaf covers the names that it has, and no part or parent of one", async (t) => {
  const leaf = readChain(LEAF);
  const cases: readonly (readonly [string, boolean])[] = [
    ["shop.example.com", true],
    ["*.apps.example.com", true],
    ["a.apps.example.com", false],
    ["apps.example.com", false],
    ["example.com", false],
    ["op.example.com", false],
    ["shop.example.co", false],
    ["", false],
  ];
  for (const [hostname, expected] of cases) {
    await t.step(`"${hostname}"`, () => assert.equal(leaf.covers(hostname), expected));
  }
});

Deno.test("readChain() refuses what is not a chain, and one without an end", async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ["nothing", ""],
    ["a page", "<html>not found</html>"],
    ["a key", newPrivateKey().reveal()],
    ["a beginning", LEAF.slice(0, 200)],
    ["base64 of something else", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"],
    ["eleven certificates", `${LEAF}\n`.repeat(11)],
  ];
  for (const [name, text] of cases) {
    await t.step(name, () => assert.throws(() => readChain(text), (error) => isFault(error, "internal")));
  }
  await t.step("ten certificates are a chain", () => assert.ok(readChain(`${LEAF}\n`.repeat(10))));
});
