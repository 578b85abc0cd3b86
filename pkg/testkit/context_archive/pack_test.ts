import assert from "node:assert/strict";
import { openArchive } from "../../build/mod.ts";
import { packContext } from "./pack.ts";

interface Trial extends AsyncDisposable {
  readonly root: string;
  readonly base: string;
  readonly write: (path: string, text: string, mode?: number) => Promise<void>;
  readonly pack: (nowMs?: number) => ReturnType<typeof packContext>;
  /** Packs, and lists what system tar finds in it. */
  readonly listed: () => Promise<string[]>;
}

async function trial(): Promise<Trial> {
  const base = await Deno.makeTempDir({ prefix: "unkey-pack-" });
  const root = `${base}/app`;
  await Deno.mkdir(root);
  const pack = (nowMs = 0) =>
    packContext({
      root,
      dockerfile: { file: `${root}/Dockerfile`, name: "Dockerfile" },
      cacheDirectory: `${base}/cache`,
      temporaryDirectory: `${base}/tmp`,
      nowMs,
      signal: new AbortController().signal,
    });
  return {
    root,
    base,
    pack,
    write: async (path, text, mode = 0o644) => {
      const folder = `${root}/${path}`.slice(0, `${root}/${path}`.lastIndexOf("/"));
      await Deno.mkdir(folder, { recursive: true });
      await Deno.writeTextFile(`${root}/${path}`, text);
      await Deno.chmod(`${root}/${path}`, mode);
    },
    listed: async () => {
      await using packed = await pack();
      const { stdout } = await new Deno.Command("tar", { args: ["-tzf", packed.path] }).output();
      return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
    },
    [Symbol.asyncDispose]: () => Deno.remove(base, { recursive: true }),
  };
}

Deno.test("packContext() gives the same bytes for the same tree with the same times, wherever it is", async () => {
  const checksums: string[] = [];
  for (let round = 0; round < 2; round++) {
    await using one = await trial();
    await one.write("Dockerfile", "FROM scratch\n");
    await one.write("src/main.sh", "echo hi\n", 0o755);
    for (const path of ["src/main.sh", "src", "Dockerfile"]) {
      await Deno.utime(`${one.root}/${path}`, 0, 1000.5);
    }
    await using packed = await one.pack();
    checksums.push(packed.checksumSha256);
  }
  assert.equal(checksums[0], checksums[1]);
});

/** Tools decide by times: with others `make` leaves an old file, and a server tells browsers that nothing changed. */
Deno.test("packContext() keeps the times of files, folders and links, as far as the system knows them", async () => {
  await using one = await trial();
  await one.write("Dockerfile", "FROM scratch\n");
  await one.write("src/main.ts", "1");
  await one.write("new", "2");
  await one.write("future", "3");
  await Deno.symlink("src", `${one.root}/link`);
  const touch = async (path: string, date: string): Promise<void> => {
    const args = ["-h", "-d", date, `${one.root}/${path}`];
    assert.ok((await new Deno.Command("touch", { args }).output()).success);
  };
  await touch("src/main.ts", "2001-02-03 04:05:06.123456789 UTC");
  await touch("src", "1969-12-31 23:59:58.750000001 UTC");
  await touch("link", "1980-01-01 00:00:00 UTC");
  await touch("future", "2500-01-01 00:00:00.5 UTC");
  await using packed = await one.pack();
  const args = [
    "-c",
    'cd "$1" && stat -c "%n %.9Y" Dockerfile future link new src src/main.ts',
    "sh",
    one.root,
  ];
  const want = new TextDecoder().decode((await new Deno.Command("sh", { args }).output()).stdout);
  assert.match(want, /main\.ts 981173106\.123456789\n/);
  assert.match(want, /src -1\.249999999\n/);
  await using context = await openArchive((await Deno.open(packed.path)).readable, {
    temporaryDirectory: one.base,
    bytesMax: 1_000_000,
    entriesMax: 100,
    signal: new AbortController().signal,
  });
  const found = context.entries.map(({ path, modifiedAtNs }) => `${path} ${seconds(modifiedAtNs)}\n`);
  assert.equal(found.join(""), want);
});

/** As `stat` prints it. */
function seconds(ns: bigint): string {
  const digits = String(ns < 0n ? -ns : ns).padStart(10, "0");
  return `${ns < 0n ? "-" : ""}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

Deno.test("packContext() makes a new archive for a file that was only touched", async () => {
  await using one = await trial();
  await one.write("Dockerfile", "FROM scratch\n");
  await using first = await one.pack();
  await Deno.utime(`${one.root}/Dockerfile`, 0, 1000);
  await using second = await one.pack();
  assert.notEqual(first.checksumSha256, second.checksumSha256);
});

Deno.test("packContext() keeps hard links and named pipes, as docker build does", async () => {
  await using one = await trial();
  await one.write("Dockerfile", "FROM scratch\n");
  await one.write(".dockerignore", "a-ignored\n");
  await one.write("a-ignored", "shared");
  for (const path of ["b", "d/c"]) {
    await Deno.mkdir(`${one.root}/d`, { recursive: true });
    await Deno.link(`${one.root}/a-ignored`, `${one.root}/${path}`);
  }
  assert.ok((await new Deno.Command("mkfifo", { args: [`${one.root}/pipe`] }).output()).success);
  await using packed = await one.pack();
  assert.equal(packed.contentBytes, "FROM scratch\na-ignored\nshared".length);
  const out = `${one.base}/out`;
  await Deno.mkdir(out);
  await new Deno.Command("tar", { args: ["-xpzf", packed.path, "-C", out] }).output();
  const [b, c, pipe] = await Promise.all(["b", "d/c", "pipe"].map((path) => Deno.lstat(`${out}/${path}`)));
  assert.equal(await Deno.readTextFile(`${out}/d/c`), "shared");
  assert.ok(b?.ino === c?.ino && b?.nlink === 2);
  assert.equal(pipe?.isFifo, true);
});

Deno.test("packContext() makes an empty file of a socket, as docker build does", async () => {
  await using one = await trial();
  await one.write("Dockerfile", "FROM scratch\n");
  using _listener = Deno.listen({ transport: "unix", path: `${one.root}/app.sock` });
  await using packed = await one.pack();
  const args = ["-tvzf", packed.path, "app.sock"];
  const { stdout } = await new Deno.Command("tar", { args }).output();
  assert.match(new TextDecoder().decode(stdout), /^-.* 0 .* app\.sock\n$/);
});

Deno.test("packContext() keeps modes, links and long names, as tar sees them", async () => {
  await using one = await trial();
  const long = `${"deep/".repeat(30)}file-\u00e9.txt`;
  await one.write("Dockerfile", "FROM scratch\n");
  await one.write("run.sh", "#!/bin/sh\n", 0o755);
  await one.write(long, "far down");
  await Deno.symlink("run.sh", `${one.root}/link`);
  await using packed = await one.pack();
  const out = `${one.base}/out`;
  await Deno.mkdir(out);
  const { success } = await new Deno.Command("tar", { args: ["-xzf", packed.path, "-C", out] }).output();
  assert.ok(success);
  assert.equal(((await Deno.stat(`${out}/run.sh`)).mode ?? 0) & 0o777, 0o755);
  assert.equal(await Deno.readLink(`${out}/link`), "run.sh");
  assert.equal(await Deno.readTextFile(`${out}/${long}`), "far down");
});

/** Ignored files would be published by `COPY . .`, and a comment in the Dockerfile would end its cache. */
Deno.test("packContext() leaves out all that .dockerignore names, the Dockerfile and itself too", async () => {
  await using one = await trial();
  await one.write("Dockerfile", "FROM scratch\n");
  await one.write(".dockerignore", "*\n!src\n**/*.log\n");
  await one.write("src/main.ts", "1");
  await one.write("src/debug.log", "2");
  await one.write("secret.env", "3");
  assert.deepEqual(await one.listed(), ["src/", "src/main.ts"]);
  await one.write(".dockerignore", "secret.env\n");
  assert.deepEqual(await one.listed(), [
    ".dockerignore",
    "Dockerfile",
    "src/",
    "src/debug.log",
    "src/main.ts",
  ]);
});

Deno.test("packContext() takes the last archive again when nothing has changed, and only then", async () => {
  await using one = await trial();
  await one.write("Dockerfile", "FROM scratch\n");
  await one.write("a.txt", "a");
  const later = Date.now() + 60_000;
  await using first = await one.pack(later);
  await using second = await one.pack(later);
  await one.write("a.txt", "b");
  await using third = await one.pack(later);
  assert.deepEqual([first.reused, second.reused, third.reused], [false, true, false]);
  assert.equal(first.checksumSha256, second.checksumSha256);
  assert.notEqual(second.checksumSha256, third.checksumSha256);
});

Deno.test("packContext() makes an archive that only its owner can read", async () => {
  await using one = await trial();
  await one.write("Dockerfile", "FROM scratch\n");
  await using packed = await one.pack();
  assert.equal(((await Deno.stat(packed.path)).mode ?? 0) & 0o777, 0o600);
});

Deno.test("packContext() gives system tar the tree that was there, whatever its names", async () => {
  await using one = await trial();
  const names = [
    "Dockerfile",
    ".hidden",
    "a".repeat(100),
    "b".repeat(101),
    `${"c".repeat(60)}/${"d".repeat(60)}/${"e".repeat(200)}`,
    "space and 'quotes'",
    "back\\slash",
    "new\nline",
    "\u00fcml\u00e4ut/\u65e5\u672c\u8a9e/\u{1f600}",
    "folder/empty file",
  ];
  for (const name of names) await one.write(name, name === "folder/empty file" ? "" : `content of ${name}`);
  await Deno.mkdir(`${one.root}/empty folder`);
  await Deno.mkdir(`${one.root}/closed`, { mode: 0o700 });
  await Deno.symlink("../outside/of/everything", `${one.root}/out`);
  await Deno.symlink(`${"deep/".repeat(30)}\u00e9`, `${one.root}/long link`);
  await Deno.symlink("folder", `${one.root}/to folder`);
  const noise = new Uint8Array(5 * 1024 * 1024 + 7);
  for (let at = 0; at < noise.length; at += 65_536) crypto.getRandomValues(noise.subarray(at, at + 65_536));
  await Deno.writeFile(`${one.root}/large`, noise);

  await using packed = await one.pack();
  const out = `${one.base}/out`;
  await Deno.mkdir(out);
  const untar = await new Deno.Command("tar", { args: ["-xpzf", packed.path, "-C", out] }).output();
  assert.equal(new TextDecoder().decode(untar.stderr), "");
  assert.deepEqual(await snapshot(out), await snapshot(one.root));
});

/** Path, mode, and what a thing holds, of everything in a folder. */
async function snapshot(root: string, below = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory, isSymlink } of Deno.readDir(`${root}${below}`)) {
    const path = `${below}/${name}`;
    const { mode } = await Deno.lstat(root + path);
    if (isSymlink) found.push(`${path} -> ${await Deno.readLink(root + path)}`);
    else if (isDirectory) found.push(`${path}/ ${mode}`, ...await snapshot(root, path));
    else {
      const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(root + path));
      found.push(`${path} ${mode} ${new Uint8Array(digest).toHex()}`);
    }
  }
  return found.sort();
}

/** A pax record begins with its own length, which is one digit longer from 100 and 1,000 bytes on. */
Deno.test("packContext() writes records of every length", async () => {
  await using one = await trial();
  const names = [...Array(40).keys()].flatMap((at) =>
    [40, 460].map((length) =>
      `${"\u00fc".repeat(120).concat("/").repeat(4)}`.slice(0, length) + "e".repeat(at)
    )
  );
  await one.write("Dockerfile", "FROM scratch\n");
  for (const name of names) await one.write(name, name);
  await using packed = await one.pack();
  const out = `${one.base}/out`;
  await Deno.mkdir(out);
  const untar = await new Deno.Command("tar", { args: ["-xzf", packed.path, "-C", out] }).output();
  assert.equal(new TextDecoder().decode(untar.stderr), "");
  for (const name of names) assert.equal(await Deno.readTextFile(`${out}/${name}`), name);
});

Deno.test("packContext() over the limit names the largest top-level paths and leaves nothing behind", async () => {
  await using one = await trial();
  await one.write("Dockerfile", "FROM scratch\n");
  for (const name of ["data/a", "data/b", "small"]) {
    const bytes = crypto.getRandomValues(new Uint8Array(name === "small" ? 1024 : 60_000));
    await Deno.mkdir(`${one.root}/data`, { recursive: true });
    await Deno.writeFile(`${one.root}/${name}`, bytes);
  }
  const packing = packContext({
    root: one.root,
    dockerfile: { file: `${one.root}/Dockerfile`, name: "Dockerfile" },
    cacheDirectory: `${one.base}/cache`,
    temporaryDirectory: `${one.base}/tmp`,
    sizeMaxBytes: 64 * 1024,
    nowMs: 0,
    signal: new AbortController().signal,
  });
  await assert.rejects(packing, (error: Error) => {
    assert.match(error.message, /limit of 64 KiB[\s\S]*117 KiB {2}data\/\n[\s\S]*\.dockerignore/);
    return true;
  });
  assert.deepEqual(Array.from(Deno.readDirSync(`${one.base}/cache/contexts`)), []);
});

/** The control plane checks the sum that is announced, so a damaged archive would fail every deploy of the folder. */
Deno.test("packContext() packs again when the kept archive is damaged", async () => {
  await using one = await trial();
  await one.write("Dockerfile", "FROM scratch\n");
  const later = Date.now() + 60_000;
  const first = await one.pack(later);
  await first[Symbol.asyncDispose]();
  const contexts = `${one.base}/cache/contexts`;
  const archive = Array.from(Deno.readDirSync(contexts), ({ name }) => name).find((name) =>
    name.endsWith(".gz")
  );
  assert.ok(archive !== undefined);
  const bytes = await Deno.readFile(`${contexts}/${archive}`);
  bytes[bytes.length - 9] = (bytes[bytes.length - 9] ?? 0) ^ 1;
  await Deno.writeFile(`${contexts}/${archive}`, bytes);
  await using second = await one.pack(later);
  assert.equal(second.reused, false);
  assert.equal(second.checksumSha256, first.checksumSha256);
});

Deno.test("packContext() does not trust a file that changed a moment ago", async () => {
  await using one = await trial();
  await one.write("Dockerfile", "FROM scratch\n");
  const now = Date.now();
  await using first = await one.pack(now);
  await using second = await one.pack(now);
  assert.deepEqual([first.reused, second.reused], [false, false]);
});

Deno.test("packContext() works where the cache cannot be written", async () => {
  await using one = await trial();
  await one.write("Dockerfile", "FROM scratch\n");
  await Deno.writeTextFile(`${one.base}/cache`, "in the way");
  await using packed = await one.pack();
  assert.ok(packed.path.startsWith(`${one.base}/tmp/`));
});
