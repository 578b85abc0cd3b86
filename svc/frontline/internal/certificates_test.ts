import assert from "node:assert/strict";
import { Certificates, type EdgeCertificate } from "./certificates.ts";
import { createLogger } from "../../../pkg/logger/mod.ts";
import { addCertificate, makeCertificate } from "../../../pkg/testkit/certificate.ts";

interface Pair {
  readonly certificateChainPem: string;
  readonly privateKeyPem: string;
}

let made: Promise<readonly [Pair, Pair]> | undefined;

/** Two certificates of one authority, made once; which names they hold is no matter here. */
function pairs(): Promise<readonly [Pair, Pair]> {
  return made ??= makePairs();
}

async function makePairs(): Promise<readonly [Pair, Pair]> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-test-certificates-" });
  try {
    const first = await makeCertificate(folder, ["DNS:a.example"]);
    const second = await addCertificate(folder, ["DNS:b.example"], "second-");
    const read = async ({ certificate, privateKey }: typeof first): Promise<Pair> => ({
      certificateChainPem: await Deno.readTextFile(certificate),
      privateKeyPem: await Deno.readTextFile(privateKey),
    });
    return [await read(first), await read(second)];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface Bed {
  readonly certificates: Certificates;
  readonly logs: string[];
  /** Applies a certificate for a host name. */
  apply(certificateId: string, hostname: string, more?: Partial<EdgeCertificate>): void;
  /** True if both names have one and the same certificate. */
  same(host: string, other: string): boolean;
}

async function start(): Promise<Bed> {
  const [pair] = await pairs();
  const logs: string[] = [];
  const log = createLogger({ service: "frontline", level: "debug", write: (line) => void logs.push(line) });
  const certificates = new Certificates(log);
  return {
    certificates,
    logs,
    apply: (certificateId, hostname, more) =>
      certificates.apply({ certificateId, hostname, notAfterMs: 1_000n, ...pair, ...more }),
    same: (host, other) => {
      const context = certificates.contextOf(host);
      return context !== undefined && context === certificates.contextOf(other);
    },
  };
}

Deno.test("Certificates finds the certificate of a name, or of the wildcard one level above", async (t) => {
  const { certificates, apply, same } = await start();
  apply("c_wild", "*.example.com");
  apply("c_shop", "shop.example.com");
  apply("c_deep", "*.shop.example.com");
  const covered: Readonly<Record<string, boolean>> = {
    "shop.example.com": true,
    "other.example.com": true,
    "a.shop.example.com": true,
    "example.com": false,
    "a.b.example.com": false,
    "a.b.shop.example.com": false,
    "shop.example.org": false,
    "notexample.com": false,
    ".example.com": false,
    "": false,
  };
  for (const [host, wanted] of Object.entries(covered)) {
    await t.step(`${JSON.stringify(host)}: ${wanted}`, () => {
      assert.equal(certificates.covers(host), wanted);
      assert.equal(certificates.contextOf(host) !== undefined, wanted);
    });
  }
  await t.step("a name's own certificate goes before the wildcard's", () => {
    assert.equal(same("shop.example.com", "other.example.com"), false);
    assert.equal(same("other.example.com", "third.example.com"), true);
  });
  await t.step("and the wildcard's is taken again when it is deleted", () => {
    certificates.delete("c_shop");
    assert.equal(same("shop.example.com", "other.example.com"), true);
  });
});

Deno.test("Certificates takes the one that is valid longest, in whatever order they come", async () => {
  for (const order of [["c_old", "c_new"], ["c_new", "c_old"]]) {
    const { certificates, apply } = await start();
    for (const id of order) apply(id, "a.example", { notAfterMs: id === "c_new" ? 2_000n : 1_000n });
    const longest = certificates.contextOf("a.example");
    certificates.delete("c_old");
    assert.equal(certificates.contextOf("a.example"), longest, "the old one was not in use");
    apply("c_old", "a.example");
    certificates.delete("c_new");
    assert.equal(certificates.covers("a.example"), true);
    assert.notEqual(certificates.contextOf("a.example"), longest);
  }
});

Deno.test("Certificates gives the new certificate of an id from then on, also for another name", async () => {
  const [, second] = await pairs();
  const { certificates, apply } = await start();
  apply("c_1", "a.example");
  const former = certificates.contextOf("a.example");
  assert.equal(certificates.contextOf("a.example"), former, "a context is made once");
  apply("c_1", "a.example", second);
  assert.notEqual(certificates.contextOf("a.example"), former);
  apply("c_1", "B.Example", second);
  assert.deepEqual([certificates.covers("a.example"), certificates.covers("b.example")], [false, true]);
  assert.equal(certificates.size, 1);
});

Deno.test("Certificates drops what a complete snapshot does not have", async () => {
  const { certificates, apply } = await start();
  for (const id of ["c_1", "c_2", "c_3"]) apply(id, `${id.replace("_", "")}.example`);
  certificates.keepOnly(new Set(["certificate/c_2", "route/c_1", "c_3"]));
  assert.equal(certificates.size, 1);
  assert.deepEqual(["c1", "c2", "c3"].map((each) => certificates.covers(`${each}.example`)), [
    false,
    true,
    false,
  ]);
  certificates.delete("c_unknown");
  certificates.keepOnly(new Set());
  assert.equal(certificates.contextOf("c2.example"), undefined);
});

Deno.test("a certificate that cannot be used leaves the former one, and its key out of the log", async (t) => {
  const [first, second] = await pairs();
  const leaf = first.certificateChainPem;
  const cases: readonly (readonly [name: string, bad: Partial<EdgeCertificate>, problem: RegExp])[] = [
    ["the key of another one", { privateKeyPem: second.privateKeyPem }, /does not belong to the certificate/],
    ["an empty chain", { certificateChainPem: "" }, /no certificate in the chain/],
    ["a chain that is too long", { certificateChainPem: leaf.repeat(12) }, /more than 11 certificates/],
    ["a key that is none", { privateKeyPem: "secret-text" }, /cannot be read/],
    [
      "a chain that is broken",
      { certificateChainPem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" },
      /cannot be read/,
    ],
    [
      "an issuer that is broken",
      { certificateChainPem: `${leaf}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n` },
      /cannot be read/,
    ],
  ];
  for (const [name, bad, problem] of cases) {
    await t.step(name, async () => {
      const { certificates, apply, logs } = await start();
      apply("c_1", "a.example");
      const former = certificates.contextOf("a.example");
      apply("c_1", "a.example", bad);
      apply("c_2", "b.example", bad);
      assert.equal(certificates.contextOf("a.example"), former);
      assert.equal(certificates.covers("b.example"), false);
      assert.equal(logs.length, 2);
      assert.match(logs[0] ?? "", problem);
      const keyLine = second.privateKeyPem.split("\n")[1] ?? "";
      for (const secret of ["secret-text", keyLine]) assert.ok(!logs.join().includes(secret));
    });
  }
  await t.step("a chain with 10 issuers is taken", async () => {
    const { certificates, apply } = await start();
    apply("c_1", "a.example", { certificateChainPem: leaf.repeat(11) });
    assert.notEqual(certificates.contextOf("a.example"), undefined);
  });
});
