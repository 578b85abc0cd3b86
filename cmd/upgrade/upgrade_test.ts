import assert from "node:assert/strict";
import { VERSION } from "../../pkg/cli/mod.ts";
import { FORMER, programOf, startReleases, upgrade } from "./testing.ts";

Deno.test("upgrade replaces the program by the newest release, and leaves nothing else behind", async () => {
  await using releases = startReleases();
  await releases.publish("0.2.0");
  const { code, stdout, program, names } = await upgrade(releases);
  assert.deepEqual([code, stdout], [0, `upgraded: unkey 0.2.0 (was ${VERSION}).\n`]);
  assert.equal(program, programOf("0.2.0"));
  assert.deepEqual(names, ["unkey"]);
});

Deno.test("upgrade changes nothing when this is the newest release, or a newer one", async (t) => {
  for (const version of [VERSION, "0.0.9"]) {
    await t.step(`the release ${version}`, async () => {
      await using releases = startReleases();
      await releases.publish(version);
      const { code, stdout, program } = await upgrade(releases);
      assert.deepEqual([code, stdout, program], [0, `unkey ${VERSION} is the newest release.\n`, FORMER]);
    });
  }
});

Deno.test("upgrade --to takes that version, also an older one", async () => {
  await using releases = startReleases();
  await releases.publish("0.0.9");
  await releases.publish("0.2.0");
  const { program } = await upgrade(releases, ["--to", "0.0.9"]);
  assert.equal(program, programOf("0.0.9"));
  const missing = await upgrade(releases, ["--to", "0.5.0"]);
  assert.equal(missing.code, 1);
  assert.match(
    missing.stderr,
    /There is no such release: http.*\/download\/v0\.5\.0\/SHA256SUMS was not found/,
  );
});

Deno.test("upgrade --check and --json say which release there is, and change nothing", async () => {
  await using releases = startReleases();
  await releases.publish("0.2.0");
  const { stdout, program } = await upgrade(releases, ["--check"]);
  assert.equal(stdout, `unkey 0.2.0 is there, this is ${VERSION}: "unkey upgrade" changes to it.\n`);
  assert.equal(program, FORMER);
  const json = await upgrade(releases, ["--check", "--json"]);
  assert.deepEqual(JSON.parse(json.stdout), { version: VERSION, release: "0.2.0", path: null });
});

Deno.test("upgrade --output-file writes the program there, and leaves this one", async () => {
  await using releases = startReleases();
  await releases.publish("0.2.0");
  const { stdout, program, names } = await upgrade(releases, ["--output-file", "FOLDER/unkey-next"]);
  assert.match(stdout, /^unkey 0\.2\.0 is in .*\/unkey-next\.\n$/);
  assert.deepEqual([program, names], [FORMER, ["unkey", "unkey-next"]]);
});

Deno.test("upgrade --output-file writes no older release that is offered as the newest one", async () => {
  await using releases = startReleases();
  await releases.publish("0.0.9");
  const { stdout, names } = await upgrade(releases, ["--output-file", "FOLDER/unkey-next"]);
  assert.equal(stdout, `unkey ${VERSION} is the newest release.\n`);
  assert.deepEqual(names, ["unkey"]);
});

Deno.test("upgrade refuses files that the publisher did not sign, and the program stays", async (t) => {
  const cases: Record<string, readonly [string, (bytes: Uint8Array) => Uint8Array, RegExp]> = {
    "another list": [
      "SHA256SUMS",
      (bytes) => bytes.with(0, bytes[0] === 97 ? 98 : 97),
      /is not the publisher's/,
    ],
    "another signature": ["SHA256SUMS.sig", () => new TextEncoder().encode("AAAA"), /is not the publisher's/],
    "another archive": [
      archive(),
      (bytes) => bytes.with(40, (bytes[40] ?? 0) ^ 1),
      /its hash is another one/,
    ],
    "an archive that is cut": [archive(), (bytes) => bytes.slice(0, 40), /its hash is another one/],
    "a list without an end": ["SHA256SUMS", () => new Uint8Array(100_000).fill(97), /larger than the list/],
  };
  for (const [name, [file, change, text]] of Object.entries(cases)) {
    await t.step(name, async () => {
      await using releases = startReleases();
      await releases.publish("0.2.0");
      for (const [path, bytes] of releases.files) {
        if (path.endsWith(`/${file}`)) releases.files.set(path, change(bytes));
      }
      const { code, stderr, program, names } = await upgrade(releases);
      assert.equal(code, 1);
      assert.match(stderr, text);
      assert.deepEqual([program, names], [FORMER, ["unkey"]]);
    });
  }
});

function archive(): string {
  const name = { linux: "linux", darwin: "darwin" }[Deno.build.os as string] ?? "windows";
  return `unkey-0.2.0-${name}-${Deno.build.arch === "aarch64" ? "arm64" : "x64"}.tar.gz`;
}

Deno.test("a mirror with another release in the place of the one that was asked for is refused", async () => {
  await using releases = startReleases();
  await releases.publish("0.2.0");
  for (const [path, bytes] of [...releases.files]) {
    releases.files.set(path.replace("v0.2.0", "v0.3.0"), bytes);
  }
  const { code, stderr } = await upgrade(releases, ["--to", "0.3.0"]);
  assert.equal(code, 1);
  assert.match(stderr, /has the release 0\.2\.0 in the place of 0\.3\.0/);
});

Deno.test("a new program that does not start is removed, and the former one stays", async (t) => {
  for (
    const [name, program] of [
      ["it fails", "#!/bin/sh\necho broken >&2\nexit 3\n"],
      ["it is another program", "#!/bin/sh\necho hello\n"],
      ["it is no program", "\x7fELF"],
    ] as const
  ) {
    await t.step(name, async () => {
      await using releases = startReleases();
      await releases.publish("0.2.0", program);
      const result = await upgrade(releases);
      assert.equal(result.code, 1);
      assert.match(result.stderr, /does not start on this machine, so it was thrown away/);
      assert.deepEqual([result.program, result.names], [FORMER, ["unkey"]]);
    });
  }
});

Deno.test("a program that a package or a service installed is not replaced, and the text names its upgrade", async (t) => {
  await using releases = startReleases();
  await releases.publish("0.2.0");
  for (
    const [name, options, text] of [
      ["a checkout", { built: false }, /built from a checkout/],
      ["npm", { packaging: "npm" }, /npm install --global unkey@latest/],
      ["Homebrew", { place: "Cellar/unkey/0.1.0/bin/unkey" }, /brew upgrade unkey/],
    ] as const
  ) {
    await t.step(name, async () => {
      const { code, stderr, program } = await upgrade(releases, [], options);
      assert.equal(code, 1);
      assert.match(stderr, text);
      assert.equal(program, FORMER);
    });
  }
  await t.step("npm, asked for the newest release only", async () => {
    const { code, stdout } = await upgrade(releases, ["--check"], { packaging: "npm" });
    assert.equal(code, 0);
    assert.match(stdout, /^unkey 0\.2\.0 is there/);
  });
});

Deno.test("a server of releases that is away is an error with what to check", async () => {
  const releases = startReleases();
  await releases[Symbol.asyncDispose]();
  const { code, stderr } = await upgrade(releases);
  assert.equal(code, 20);
  assert.match(stderr, /Cannot look for releases at http.*--release-url/s);
});
