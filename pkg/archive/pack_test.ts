import assert from "node:assert/strict";
import { packContext } from "./mod.ts";

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
      dockerfile: "Dockerfile",
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

Deno.test("packContext() gives the same bytes for the same content, whenever and wherever it was written", async () => {
  const checksums: string[] = [];
  for (let round = 0; round < 2; round++) {
    await using one = await trial();
    await one.write("Dockerfile", "FROM scratch\n");
    await one.write("src/main.sh", "echo hi\n", 0o755);
    await Deno.utime(`${one.root}/src/main.sh`, round * 1000, round * 1000);
    await using packed = await one.pack();
    checksums.push(packed.checksumSha256);
  }
  assert.equal(checksums[0], checksums[1]);
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

Deno.test("packContext() leaves out what .dockerignore names, but never the Dockerfile", async () => {
  await using one = await trial();
  await one.write("Dockerfile", "FROM scratch\n");
  await one.write(".dockerignore", "*\n!src\n**/*.log\n");
  await one.write("src/main.ts", "1");
  await one.write("src/debug.log", "2");
  await one.write("secret.env", "3");
  assert.deepEqual(await one.listed(), [".dockerignore", "Dockerfile", "src/", "src/main.ts"]);
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

Deno.test("packContext() is private: nobody else can read the archive", async () => {
  await using one = await trial();
  await one.write("Dockerfile", "FROM scratch\n");
  await using packed = await one.pack();
  assert.equal(((await Deno.stat(packed.path)).mode ?? 0) & 0o777, 0o600);
});
