/** A release as its publisher makes it, and as people install and upgrade it. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { newKeyPair, sign, verifies } from "../../pkg/release/mod.ts";
import { signedBytes } from "../../dev/release/provenance.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const KEYS = newKeyPair();
const VERSION: string = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`)).version;
const ARCHIVE = `unkey-${VERSION}-linux-x64.tar.gz`;

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** A server of releases: `change` may give another content for a file. */
function serveReleases(folder: string) {
  const changes = new Map<string, Uint8Array>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    async ({ url }) => {
      const name = new URL(url).pathname.replace(/^\/releases\/(latest\/download|download\/v[^/]+)\//, "");
      const bytes = changes.get(name) ?? await Deno.readFile(`${folder}/${name}`).catch(() => undefined);
      return bytes === undefined ? new Response(null, { status: 404 }) : new Response(new Uint8Array(bytes));
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/releases`,
    changes,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("a release is made, installed, upgraded to, and refused when a byte of it is another one", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "unkey-release-test-" });
  const out = `${folder}/out`;
  await using server = serveReleases(out);
  const read = (name: string): Promise<Uint8Array> => Deno.readFile(`${out}/${name}`);
  try {
    await t.step("the script makes all files, and names no target that it could not make", async () => {
      const args = ["--url", server.url, "--out", out, "--allow-changes", "--target", "linux-x64"];
      const made = await run(Deno.execPath(), ["run", "-A", `${ROOT}dev/release/main.ts`, ...args], {
        UNKEY_RELEASE_KEY: KEYS.privateKey,
      });
      assert.equal(made.code, 0, made.stderr);
      const names = [
        ARCHIVE,
        `unkey_${VERSION}_amd64.deb`,
        `unkey-${VERSION}-npm.tgz`,
        "unkey.rb",
        "install.sh",
      ];
      for (const name of names) assert.match(made.stdout, new RegExp(`^${RegExp.escape(name)} `, "m"));
    });

    await t.step("the provenance is signed, and names each file with its hash", async () => {
      const envelope = JSON.parse(await Deno.readTextFile(`${out}/unkey-${VERSION}.intoto.jsonl`));
      const payload = Buffer.from(envelope.payload, "base64").toString();
      assert.ok(verifies(signedBytes(payload), envelope.signatures[0].sig, KEYS.publicKey));
      const archive = JSON.parse(payload).subject.find(({ name }: { name: string }) => name === ARCHIVE);
      assert.equal(archive.digest.sha256, createHash("sha256").update(await read(ARCHIVE)).digest("hex"));
    });

    const bin = `${folder}/bin`;
    const install = (env: Record<string, string> = {}): Promise<Ran> =>
      run("sh", [`${out}/install.sh`], { UNKEY_INSTALL_DIR: bin, ...env });

    await t.step("the install script puts a program there that starts, and says where", async () => {
      const installed = await install();
      assert.equal(installed.code, 0, installed.stderr);
      assert.match(installed.stdout, new RegExp(`^installed: ${bin}/unkey, unkey ${VERSION} `));
      assert.match(
        (await run(`${bin}/unkey`, ["version"])).stdout,
        new RegExp(`^unkey ${VERSION} \\(linux x86_64`),
      );
    });

    await t.step(
      "the installed program finds the release that it came from, and takes it again",
      async () => {
        const checked = await run(`${bin}/unkey`, ["upgrade", "--check"]);
        assert.equal(checked.stdout, `unkey ${VERSION} is the newest release.\n`, checked.stderr);
        const next = `${folder}/next`;
        const written = await run(`${bin}/unkey`, ["upgrade", "--to", VERSION, "--output-file", next]);
        assert.equal(written.code, 0, written.stderr);
        assert.match((await run(next, ["version"])).stdout, new RegExp(`^unkey ${VERSION} `));
      },
    );

    await t.step("another archive, another list and a list with another signature are refused", async () => {
      await Deno.remove(`${bin}/unkey`);
      const archive = await read(ARCHIVE);
      const sums = new TextDecoder().decode(await read("SHA256SUMS"));
      const changed = new TextEncoder().encode(sums.replace(/^./, (digit) => digit === "0" ? "1" : "0"));
      const cases: readonly (readonly [string, Uint8Array, RegExp])[] = [
        [ARCHIVE, archive.with(5_000, (archive[5_000] ?? 0) ^ 1), /is not the file that the release lists/],
        ["SHA256SUMS", changed, /the signature of the release is not the publisher's/],
        [
          "SHA256SUMS.sig",
          new TextEncoder().encode(sign("other", KEYS.privateKey)),
          /is not the publisher's/,
        ],
      ];
      for (const [name, content, text] of cases) {
        server.changes.set(name, content);
        const refused = await install();
        assert.equal(refused.code, 1, name);
        assert.match(refused.stderr, text);
        assert.deepEqual(await Array.fromAsync(Deno.readDir(bin)), [], name);
        server.changes.delete(name);
      }
    });

    await t.step("another release in the place of the version that was asked for is refused", async () => {
      const refused = await install({ UNKEY_VERSION: "9.9.9" });
      assert.equal(refused.code, 1);
      assert.match(
        refused.stderr,
        new RegExp(`has ${RegExp.escape(ARCHIVE)} in the place of version 9\\.9\\.9`),
      );
      assert.deepEqual(await Array.fromAsync(Deno.readDir(bin)), []);
    });

    await t.step("a version that the server has not is an error with the URL", async () => {
      const refused = await install({ UNKEY_RELEASE_URL: `${server.url}/none` });
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /none\/latest\/download\/SHA256SUMS cannot be downloaded/);
    });

    await t.step(
      "npm's package runs with the Deno that npm installs, and names npm for upgrades",
      async () => {
        const args = ["install", "--no-audit", "--no-fund", "--prefer-offline", "--prefix", `${folder}/npm`];
        const installed = await run("npm", [...args, `${out}/unkey-${VERSION}-npm.tgz`]);
        assert.equal(installed.code, 0, installed.stderr);
        const program = `${folder}/npm/node_modules/.bin/unkey`;
        assert.match((await run(program, ["version"])).stdout, new RegExp(`^unkey ${VERSION} `));
        assert.match((await run(program, ["upgrade"])).stderr, /npm install --global unkey@latest/);
        assert.equal((await run(program, ["nosuch"])).code, 2);
      },
    );

    await t.step("Debian's package has the program and the completions at their places", async () => {
      const root = `${folder}/deb`;
      const unpacked = await run("dpkg-deb", ["-x", `${out}/unkey_${VERSION}_amd64.deb`, root]);
      assert.equal(unpacked.code, 0, unpacked.stderr);
      assert.match(
        (await run(`${root}/usr/bin/unkey`, ["version"])).stdout,
        new RegExp(`^unkey ${VERSION} `),
      );
      await Deno.stat(`${root}/usr/share/bash-completion/completions/unkey`);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
