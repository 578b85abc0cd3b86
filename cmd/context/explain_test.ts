import assert from "node:assert/strict";
import { onlyJson, type RunResult, temporaryFolder, unkey } from "../shared/testing.ts";

const FILES = {
  "Dockerfile": "FROM scratch\nCOPY . /\n",
  ".dockerignore": "# made\ndist\n!dist/public\n",
  ".git/HEAD": "ref",
  "dist/a.js": "aaaa",
  "dist/public/index.html": "hello",
  "src/main.ts": "main",
  "src/deep/er/large.bin": "x".repeat(3_000),
};

async function inFolder(
  test: (run: (...args: readonly string[]) => Promise<RunResult>, folder: string) => Promise<void>,
  files: Readonly<Record<string, string>> = FILES,
): Promise<void> {
  await using folder = await temporaryFolder();
  const root = await Deno.realPath(folder.path);
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(`${root}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${root}/${path}`, text);
  }
  await test((...args) => unkey(["context", "explain", ...args], { cwd: root }), root);
}

Deno.test("context explain shows size, largest paths and largest files of a context", async () => {
  await inFolder(async (run, root) => {
    const { code, stdout, stderr } = await run();
    assert.deepEqual([code, stderr], [0, ""]);
    assert.equal(
      stdout,
      [
        `context      ${root}`,
        "dockerfile   Dockerfile",
        "ignore file  .dockerignore",
        "sent         5 files in 5 folders, 3.0 KiB",
        "",
        "SIZE      FILES  LARGEST PATHS",
        "2.9 KiB   1      src/deep/er/",
        "25 bytes  1      .dockerignore",
        "22 bytes  1      Dockerfile",
        "5 bytes   1      dist/public/",
        "",
        "SIZE      LARGEST FILES",
        "2.9 KiB   src/deep/er/large.bin",
        "25 bytes  .dockerignore",
        "22 bytes  Dockerfile",
        "5 bytes   dist/public/index.html",
        "4 bytes   src/main.ts",
        "",
      ].join("\n"),
    );
  });
});

Deno.test("context explain says which line decides about a path", async (t) => {
  const cases: readonly (readonly [args: readonly string[], text: string])[] = [
    [["src/main.ts"], "src/main.ts is sent (1 file, 4 bytes): no rule is about it\n"],
    [["src/"], "src is sent (2 files, 2.9 KiB): no rule is about it\n"],
    [["dist/a.js"], "dist/a.js is left out: .dockerignore:2 'dist' matches dist\n"],
    [
      ["dist"],
      "dist is left out: .dockerignore:2 'dist' matches it\nExceptions take back a part of it: 1 file, 5 bytes\n",
    ],
    [
      ["dist/public/index.html"],
      "dist/public/index.html is sent (1 file, 5 bytes): .dockerignore:3 '!dist/public' matches dist/public\n",
    ],
    [
      [".git/HEAD"],
      ".git/HEAD is left out: .git is, unless --include-git, a line of the ignore file or a COPY names it\n",
    ],
    [[".git/HEAD", "--include-git"], ".git/HEAD is sent (1 file, 3 bytes): no rule is about it\n"],
  ];
  await inFolder(async (run, root) => {
    for (const [args, text] of cases) {
      await t.step(args.join(" "), async () => assert.equal((await run(...args)).stdout, text));
    }
    await t.step("a path of another context, relative to where its user is", async () => {
      const { stdout } = await run("src/main.ts", "--context", "src");
      assert.match(stdout, /^main\.ts is sent \(1 file, 4 bytes\)/);
      assert.match((await run("src", "--context", `${root}/src`)).stdout, /^context +\S+\/src\n/);
    });
  });
});

Deno.test("context explain takes the rules of a Dockerfile of another name, and the settings of unkey.json", async () => {
  const files = {
    ...FILES,
    "web.Dockerfile": "FROM scratch\n",
    "web.Dockerfile.dockerignore": "src\n",
    "unkey.json": JSON.stringify({ dockerfile: "web.Dockerfile", build: { includeGit: true } }),
  };
  await inFolder(async (run) => {
    assert.equal(
      (await run("src/main.ts")).stdout,
      "src/main.ts is left out: web.Dockerfile.dockerignore:1 'src' matches src\n",
    );
    assert.match((await run(".git/HEAD")).stdout, /is sent/);
    assert.match((await run(".git/HEAD", "--include-git=false")).stdout, /is left out/);
  }, files);
});

Deno.test("context explain sends .git for a Dockerfile that copies it", async () => {
  await inFolder(async (run) => {
    assert.match((await run(".git/HEAD")).stdout, /is sent/);
  }, { ...FILES, "Dockerfile": "FROM scratch\nCOPY --chown=1 .git/ /src/.git/\n" });
});

Deno.test("context explain --json prints one object", async () => {
  await inFolder(async (run, root) => {
    const files = await Promise.all([run("--json"), run("--json", "dist/a.js"), run("--json", ".git")]);
    const [summary, byRule, git] = files.map(onlyJson);
    assert.deepEqual(byRule, {
      context: root,
      path: "dist/a.js",
      included: false,
      reason: "rule",
      rule: { file: ".dockerignore", line: 2, text: "dist" },
      matched: "dist",
      files: 0,
      bytes: 0,
    });
    assert.ok(typeof git === "object" && git !== null && "reason" in git && git.reason === "git");
    assert.ok(typeof summary === "object" && summary !== null && "largest" in summary);
    assert.deepEqual({ ...summary, largest: [], largestFiles: [] }, {
      context: root,
      dockerfile: "Dockerfile",
      ignoreFile: ".dockerignore",
      files: 5,
      folders: 5,
      bytes: 3_056,
      largest: [],
      largestFiles: [],
      warnings: [],
    });
  });
});

Deno.test("context explain lists every path that looks like a secret", async () => {
  const secrets = Object.fromEntries(Array.from({ length: 6 }, (_, at) => [`${at}/.env`, "A=1"]));
  await inFolder(async (run) => {
    const { stdout } = await run();
    assert.match(
      stdout,
      /warning files that look like secrets are sent .* add to \.dockerignore:\n( {2}\d\/\.env\n){6}$/,
    );
  }, { Dockerfile: "FROM scratch\n", ...secrets });
});

Deno.test("context explain works in a folder whose Dockerfile is still to be written", async () => {
  await inFolder(async (run) => {
    assert.match((await run()).stdout, /sent +1 file in 0 folders/);
    const { code, stderr } = await run("--dockerfile", "other");
    assert.notEqual(code, 0);
    assert.match(stderr, /There is no "other"/);
  }, { "a.txt": "a" });
});

Deno.test("context explain refuses paths that belong to no context", async (t) => {
  await inFolder(async (run, root) => {
    await Deno.symlink("src", `${root}/link`);
    const cases: readonly (readonly [args: readonly string[], code: number, says: RegExp])[] = [
      [["nowhere/a"], 1, /There is no "nowhere\/a" in \S+\. Correct the path/],
      [["src/main.ts/a"], 1, /There is no "src\/main\.ts\/a"/],
      [["../other"], 2, /\.\.\/other is outside of the context/],
      [["/etc/passwd"], 2, /outside of the context/],
      [["link/main.ts"], 1, /"link" is a link to src\. Links are sent as links: name the path behind it/],
      [["a", "--context", "nowhere"], 1, /There is no folder \S+\/nowhere/],
      [["a", "--context", "Dockerfile"], 1, /is not a folder/],
    ];
    for (const [args, code, says] of cases) {
      await t.step(args.join(" "), async () => {
        const { code: found, stderr, stdout } = await run(...args);
        assert.match(stderr, says);
        assert.deepEqual([found, stdout], [code, ""]);
      });
    }
    await t.step("a link itself", async () => {
      assert.match((await run("link")).stdout, /^link is sent/);
    });
  });
});

Deno.test("context explain takes paths relative to where its user is, also with the context of unkey.json above", async () => {
  const files = {
    ".dockerignore": "shared/b\n",
    "apps/api/Dockerfile": "FROM scratch\n",
    "apps/api/unkey.json": JSON.stringify({ context: "../.." }),
    "apps/api/main.ts": "1",
    "shared/a": "1",
    "shared/b": "1",
  };
  await inFolder(async (_run, root) => {
    const run = async (path: string): Promise<string> =>
      (await unkey(["context", "explain", path], { cwd: `${root}/apps/api` })).stdout;
    assert.match(await run("main.ts"), /^apps\/api\/main\.ts is sent/);
    assert.match(
      await run("../../shared/b"),
      /^shared\/b is left out: \.dockerignore:1 'shared\/b' matches it/,
    );
    assert.match(await run("../.."), new RegExp(`^context +${root}\ndockerfile +apps/api/Dockerfile\n`));
  }, files);
});
