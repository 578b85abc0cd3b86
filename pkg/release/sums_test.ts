import assert from "node:assert/strict";
import { compareVersions, fileUrl, newKeyPair, openRelease, sign } from "./mod.ts";

const KEYS = newKeyPair();
const HASH = "a".repeat(64);
const FILES = ["linux-x64", "linux-arm64", "darwin-arm64", "windows-x64"].map((name) =>
  `unkey-0.2.0-${name}.tar.gz`
);

function sumsOf(names: readonly string[]): string {
  return names.map((name) => `${HASH}  ${name}\n`).join("");
}

function open(sums: string, { signed = sums, publicKey = KEYS.publicKey } = {}) {
  return openRelease({ sums, signature: sign(signed, KEYS.privateKey), publicKey });
}

Deno.test("a release has the version that is in the names of its files", () => {
  const release = open(sumsOf([...FILES, "install.sh"]));
  assert.equal(release.version, "0.2.0");
  assert.equal(release.files.length, 5);
});

Deno.test("the file for a system is its archive; Windows on ARM takes the one for x64", async (t) => {
  const release = open(sumsOf(FILES));
  for (
    const [os, arch, name] of [
      ["linux", "x86_64", "unkey-0.2.0-linux-x64.tar.gz"],
      ["linux", "aarch64", "unkey-0.2.0-linux-arm64.tar.gz"],
      ["darwin", "aarch64", "unkey-0.2.0-darwin-arm64.tar.gz"],
      ["windows", "aarch64", "unkey-0.2.0-windows-x64.tar.gz"],
      ["darwin", "x86_64", undefined],
      ["freebsd", "x86_64", undefined],
    ] as const
  ) {
    await t.step(`${os} ${arch}`, () => assert.equal(release.fileFor({ os, arch })?.name, name));
  }
});

Deno.test("a list that the publisher did not sign is refused", async (t) => {
  const sums = sumsOf(FILES);
  const refused = { code: "failed_precondition", message: /signature .* is not the publisher's/ };
  await t.step("one changed hash", () => {
    assert.throws(() => open(sums.replace("aaaa", "aaab"), { signed: sums }), refused);
  });
  await t.step("another key", () => {
    assert.throws(() => open(sums, { publicKey: newKeyPair().publicKey }), refused);
  });
  for (const publicKey of ["", "no key", btoa("no key")]) {
    await t.step(`the key "${publicKey}"`, () => assert.throws(() => open(sums, { publicKey }), refused));
  }
  await t.step("no signature", () => {
    assert.throws(() => openRelease({ sums, signature: "", publicKey: KEYS.publicKey }), refused);
  });
});

Deno.test("a signed list that is none of a release is refused", async (t) => {
  for (
    const [name, sums, reason] of [
      ["empty", "", /names 0 versions/],
      [
        "two versions",
        sumsOf(["unkey-0.2.0-linux-x64.tar.gz", "unkey-0.3.0-linux-arm64.tar.gz"]),
        /2 versions/,
      ],
      ["a path", sumsOf(["../unkey-0.2.0-linux-x64.tar.gz"]), /none of sha256sum/],
      ["a short hash", "abc  unkey-0.2.0-linux-x64.tar.gz\n", /none of sha256sum/],
    ] as const
  ) await t.step(name, () => assert.throws(() => open(sums), { message: reason }));
});

Deno.test("versions are compared by their numbers", async (t) => {
  for (
    const [one, other, sign] of [["0.10.0", "0.9.9", 1], ["1.0.0", "1.0.0", 0], [
      "0.1.9",
      "0.2.0",
      -1,
    ]] as const
  ) {
    await t.step(`${one} and ${other}`, () => assert.equal(Math.sign(compareVersions(one, other)), sign));
  }
  for (const version of ["", "1.0", "v1.0.0", "1.0.0-rc.1", "../1.0.0", "1.0.0\n"]) {
    await t.step(`"${version}" is none`, () => {
      assert.throws(() => compareVersions(version, "1.0.0"), { code: "invalid_argument" });
    });
  }
});

Deno.test("the URL of a file is that of GitHub's releases", () => {
  const base = "https://example.com/releases/";
  assert.equal(fileUrl(base, undefined, "f"), "https://example.com/releases/latest/download/f");
  assert.equal(fileUrl(base, "0.2.0", "f"), "https://example.com/releases/download/v0.2.0/f");
});
