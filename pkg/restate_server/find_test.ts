import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { join } from "node:path";
import { packTar, type TarEntry } from "modern-tar";
import { systemClock } from "../clock/mod.ts";
import { isFault } from "../fault/mod.ts";
import { ManualClock } from "../testkit/manual_clock.ts";
import type { DownloadProgress } from "../download/mod.ts";
import { type FindOptions, findRestateServer } from "./find.ts";
import type { Release } from "./release.ts";

const CONTENT = Buffer.alloc(300_000, "a server, more or less ");
const PLATFORM = { os: "linux", arch: "x86_64" };
const PACKAGE = "@restatedev/restate-server-linux-x64";
const TARBALL_PATH = `/npm/${PACKAGE}/-/restate-server-linux-x64-1.7.12.tgz`;

/** A registry that has one package, and a home that has nothing. */
interface Bed {
  readonly registry: string;
  readonly home: string;
  readonly requests: string[];
  find(env: Record<string, string>, options?: Partial<FindOptions>): ReturnType<typeof findRestateServer>;
  cached(): Promise<string[]>;
}

async function withRegistry(
  given: Uint8Array | Promise<Uint8Array>,
  test: (bed: Bed) => Promise<void>,
): Promise<void> {
  const tarball = await given;
  const home = await Deno.makeTempDir({ prefix: "unkey-restate-" });
  const requests: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, (request) => {
    const { pathname } = new URL(request.url);
    requests.push(pathname);
    if (pathname.startsWith("/stuck/")) return new Response(new ReadableStream());
    return pathname === TARBALL_PATH
      ? new Response(tarball.slice(), { headers: { "content-length": String(tarball.length) } })
      : new Response("no such package", { status: 404 });
  });
  try {
    await test({
      registry: `http://127.0.0.1:${server.addr.port}/npm/`,
      home,
      requests,
      find: (env, options = {}) =>
        findRestateServer({
          env: (name) => ({ HOME: home, ...env })[name],
          clock: systemClock(),
          signal: new AbortController().signal,
          platform: PLATFORM,
          release: releaseOf(tarball),
          ...options,
        }),
      async cached() {
        const folder = join(home, ".cache/unkey/restate-server/1.7.12");
        return (await Array.fromAsync(Deno.readDir(folder))).map((each) => each.name);
      },
    });
  } finally {
    await server.shutdown();
    await Deno.remove(home, { recursive: true });
  }
}

Deno.test("the binary comes from the registry once, and from the cache after that", () =>
  withRegistry(tarballOf("package/bin/restate-server"), async (bed) => {
    const seen: DownloadProgress[] = [];
    const env = { NPM_CONFIG_REGISTRY: bed.registry };
    const first = await bed.find(env, { onProgress: (progress) => seen.push(progress) });
    assert.equal(first.from, "download");
    assert.deepEqual(new Uint8Array(await Deno.readFile(first.path)), new Uint8Array(CONTENT));
    assert.equal(((await Deno.stat(first.path)).mode ?? 0) & 0o777, 0o755);
    assert.equal(seen.at(-1)?.receivedBytes, seen.at(-1)?.totalBytes);
    assert.deepEqual(await bed.cached(), ["restate-server"], "nothing temporary stays");

    const second = await bed.find({}, { onProgress: () => assert.fail("nothing is downloaded") });
    assert.deepEqual(second, { path: first.path, from: "cache" });
    assert.equal(bed.requests.length, 1);
  }));

/** Otherwise a changed package in the registry would run on this machine. */
Deno.test("a tarball of another hash is thrown away", () =>
  withRegistry(tarballOf("package/bin/restate-server"), async (bed) => {
    const release: Release = { packageName: PACKAGE, sha512: releaseOf(new Uint8Array(1)).sha512 };
    await assert.rejects(
      bed.find({ NPM_CONFIG_REGISTRY: bed.registry }, { release }),
      { code: "failed_precondition", publicMessage: /is not that of Restate's server/ },
    );
    assert.deepEqual(await bed.cached(), []);
  }));

Deno.test("a package without the binary is refused", () =>
  withRegistry(tarballOf("package/bin/something-else"), async (bed) => {
    await assert.rejects(bed.find({ npm_config_registry: bed.registry }), {
      code: "failed_precondition",
      publicMessage: /does not contain package\/bin\/restate-server/,
    });
    assert.deepEqual(await bed.cached(), []);
  }));

Deno.test("a tarball that breaks off is refused, with nothing left behind", async () => {
  const tar = gunzipSync(await tarballOf("package/bin/restate-server"));
  await withRegistry(new Uint8Array(gzipSync(tar.subarray(0, 200_000))), async (bed) => {
    await assert.rejects(bed.find({ NPM_CONFIG_REGISTRY: bed.registry }), /truncated/);
    assert.deepEqual(await bed.cached(), []);
  });
});

Deno.test("several processes may download at once", () =>
  withRegistry(tarballOf("package/bin/restate-server"), async (bed) => {
    const env = { NPM_CONFIG_REGISTRY: bed.registry };
    const found = await Promise.all([bed.find(env), bed.find(env), bed.find(env)]);
    assert.equal(new Set(found.map((each) => each.path)).size, 1);
    assert.deepEqual(await bed.cached(), ["restate-server"]);
  }));

Deno.test("without a setting, npm says where the registry is", () =>
  withRegistry(tarballOf("package/bin/restate-server"), async (bed) => {
    const bin = join(bed.home, "bin");
    await Deno.mkdir(bin);
    await Deno.writeTextFile(
      join(bin, "npm"),
      `#!/bin/sh\n[ "$*" = "config get registry" ] && echo ${bed.registry}\n`,
    );
    await Deno.chmod(join(bin, "npm"), 0o755);
    assert.equal((await bed.find({ PATH: `${bin}:/usr/bin:/bin` })).from, "download");
  }));

Deno.test("without npm and without a setting the message has the next step", () =>
  withRegistry(new Uint8Array(0), async (bed) => {
    await assert.rejects(bed.find({ PATH: "/nowhere" }), {
      code: "failed_precondition",
      publicMessage: /Install npm, or set NPM_CONFIG_REGISTRY .* restate-server 1\.7\.12 on PATH\./,
    });
  }));

Deno.test("a registry that has no package or does not answer is unavailable, and can be tried again", () =>
  withRegistry(new Uint8Array(0), async (bed) => {
    await assert.rejects(bed.find({ NPM_CONFIG_REGISTRY: bed.registry.replace("/npm/", "/other/") }), {
      code: "unavailable",
      publicMessage: /answered 404.*NPM_CONFIG_REGISTRY/,
    });
    await assert.rejects(bed.find({ NPM_CONFIG_REGISTRY: "http://127.0.0.1:1/" }), {
      code: "unavailable",
      publicMessage: /Cannot get Restate's server from.*NPM_CONFIG_REGISTRY/,
    });
    assert.deepEqual(await bed.cached(), []);
  }));

Deno.test("a download can be given up", () =>
  withRegistry(tarballOf("package/bin/restate-server"), async (bed) => {
    const stop = new AbortController();
    const found = bed.find({ NPM_CONFIG_REGISTRY: bed.registry }, {
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    await assert.rejects(found, { code: "cancelled" });
    assert.deepEqual(await bed.cached(), []);
  }));

Deno.test("a download on which nothing arrives is given up", () =>
  withRegistry(tarballOf("package/bin/restate-server"), async (bed) => {
    const clock = new ManualClock();
    const found = bed.find({ NPM_CONFIG_REGISTRY: `${bed.registry.replace("/npm/", "/stuck/")}` }, { clock });
    const isGivenUp = found.then(() => assert.fail("the download ended"), (error: unknown) => error);
    const passed = (async (): Promise<void> => {
      while (bed.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      await clock.advance(40_000);
    })();
    const error = await isGivenUp;
    await passed;
    assert.ok(isFault(error, "unavailable"), String(error));
    assert.match(error.publicMessage ?? "", /Cannot get Restate's server/);
  }));

Deno.test("a system that Restate does not support is named", () =>
  withRegistry(new Uint8Array(0), async (bed) => {
    const options: FindOptions = {
      env: (name) => name === "HOME" ? bed.home : undefined,
      clock: systemClock(),
      signal: new AbortController().signal,
      platform: { os: "windows", arch: "x86_64" },
    };
    await assert.rejects(findRestateServer(options), {
      code: "failed_precondition",
      publicMessage: /no server for windows on x86_64/,
    });
  }));

/** The npm package's command is a script that leaves the server running when it is killed. */
Deno.test("a script on PATH does not count as the binary", () =>
  withRegistry(tarballOf("package/bin/restate-server"), async (bed) => {
    const bin = join(bed.home, "bin");
    await Deno.mkdir(bin);
    await Deno.writeTextFile(join(bin, "restate-server"), "#!/bin/sh\necho restate-server 1.7.12\n");
    await Deno.chmod(join(bin, "restate-server"), 0o755);
    const found = await bed.find({ PATH: bin, NPM_CONFIG_REGISTRY: bed.registry });
    assert.equal(found.from, "download");
  }));

function releaseOf(tarball: Uint8Array): Release {
  return { packageName: PACKAGE, sha512: createHash("sha512").update(tarball).digest("base64") };
}

/** A package with `CONTENT` in the file `name`. */
async function tarballOf(name: string): Promise<Uint8Array> {
  const file = (path: string, body: Uint8Array): TarEntry => ({
    header: { name: path, size: body.length, type: "file" },
    body,
  });
  const tar = await packTar([
    file("package/LICENSE", Buffer.from("do what you want")),
    file(name, CONTENT),
    file("package/package.json", Buffer.from("{}")),
  ]);
  return new Uint8Array(gzipSync(tar));
}
