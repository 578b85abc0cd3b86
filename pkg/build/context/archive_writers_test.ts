import assert from "node:assert/strict";
import { packContext } from "../../testkit/context_archive/pack.ts";
import { contentOf, described, Scratch } from "./testing.ts";

Deno.test("openArchive() reads what GNU tar writes", async (t) => {
  await using scratch = await Scratch.make();
  const root = `${scratch.path}/tree`;
  const long = "n".repeat(120);
  await Deno.mkdir(`${root}/d/${"x".repeat(60)}/${"y".repeat(60)}`, { recursive: true });
  await Deno.writeTextFile(`${root}/d/a`, "a");
  await Deno.writeTextFile(`${root}/d/${long}`, "long");
  await Deno.link(`${root}/d/a`, `${root}/d/hard`);
  await Deno.symlink("t".repeat(120), `${root}/d/link`);
  await Deno.symlink("a", `${root}/d/short`);
  await command("mkfifo", [`${root}/d/fifo`]);
  await Deno.writeTextFile(`${root}/d/${"x".repeat(60)}/${"y".repeat(60)}/deep`, "deep");
  await Deno.utime(`${root}/d/a`, 0, -1.5);
  const all = [
    "folder 755 d",
    "file 644 d/a = a",
    "pipe 644 d/fifo",
    "hard_link 644 d/hard -> d/a",
    `link 777 d/link -> ${"t".repeat(120)}`,
    `file 644 d/${long} = long`,
    "link 777 d/short -> a",
    `folder 755 d/${"x".repeat(60)}`,
    `folder 755 d/${"x".repeat(60)}/${"y".repeat(60)}`,
    `file 644 d/${"x".repeat(60)}/${"y".repeat(60)}/deep = deep`,
  ];
  const few = all.filter((line) => !/n{120}|t{120}/.test(line));
  const v7 = few.filter((line) => !/fifo|x{60}/.test(line));
  const table = [
    ["gnu", all, -2_000_000_000n],
    ["pax", all, -1_500_000_000n],
    ["ustar", few, undefined],
    ["v7", v7, undefined],
  ] as const;
  for (const [format, lines, mtime] of table) {
    await t.step(format, async () => {
      const left = lines === all ? [] : [`--exclude=${long}`, "--exclude=link"];
      const bytes = await command("tar", [
        `--format=${format}`,
        "--sort=name",
        ...left,
        ...(format === "v7" ? ["--exclude=fifo", `--exclude=${"x".repeat(60)}`] : []),
        ...(mtime === undefined ? ["--mtime=@5"] : []),
        "-C",
        root,
        "-cf",
        "-",
        "d",
      ]);
      await using archive = await scratch.open(bytes);
      assert.deepEqual(await described(archive), lines);
      const { modifiedAtNs } = archive.entries.find(({ path }) => path === "d/a") ?? {};
      assert.equal(modifiedAtNs, mtime ?? 5_000_000_000n);
    });
  }
  await t.step("sparse files are refused", async () => {
    await using file = await Deno.open(`${root}/sparse`, { create: true, write: true });
    await file.truncate(4 * 1024 * 1024);
    for (const format of ["gnu", "pax"]) {
      const bytes = await command("tar", [`--format=${format}`, "-S", "-C", root, "-cf", "-", "sparse"]);
      await assert.rejects(scratch.open(bytes), (error) => /sparse/.test(String(error)));
    }
  });
  await Deno.remove(root, { recursive: true });
});

async function command(name: string, args: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  const { success, stdout, stderr } = await new Deno.Command(name, { args: [...args] }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return stdout;
}

Deno.test("openArchive() reads what the command line packs", async () => {
  await using scratch = await Scratch.make();
  const [root, base] = [`${scratch.path}/app`, `${scratch.path}/cache`];
  await Deno.mkdir(`${root}/src`, { recursive: true });
  await Deno.writeTextFile(`${root}/Dockerfile`, "FROM scratch\n");
  await Deno.writeTextFile(`${root}/src/ä${"n".repeat(150)}`, "text");
  await Deno.link(`${root}/Dockerfile`, `${root}/src/hard`);
  await Deno.symlink("hard", `${root}/src/link`);
  {
    await using packed = await packContext({
      root,
      dockerfile: { file: `${root}/Dockerfile`, name: "Dockerfile" },
      cacheDirectory: base,
      temporaryDirectory: `${scratch.path}/tmp`,
      nowMs: 0,
      signal: new AbortController().signal,
    });
    await using archive = await scratch.open(await Deno.readFile(packed.path));
    const lines = await described(archive);
    assert.ok(lines.includes(`file 644 src/ä${"n".repeat(150)} = text`), lines.join("\n"));
    assert.ok(lines.includes("hard_link 644 src/hard -> Dockerfile"), lines.join("\n"));
    assert.ok(lines.includes("link 777 src/link -> hard"), lines.join("\n"));
    const dockerfile = archive.entries.find(({ path }) => path === "Dockerfile");
    assert.ok(dockerfile !== undefined);
    assert.equal(await contentOf(archive, dockerfile), "FROM scratch\n");
  }
  for (const name of scratch.left()) {
    await Deno.remove(`${scratch.path}/${name}`, { recursive: true });
  }
});
