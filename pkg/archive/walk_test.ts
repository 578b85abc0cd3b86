import assert from "node:assert/strict";
import { parseIgnoreFile } from "./ignore_file.ts";
import { IgnoreMatcher } from "./matcher.ts";
import { listContext } from "./walk.ts";

/** One tree and what Docker's own code (moby/patternmatcher with tonistiigi/fsutil) made of random ignore files. */
interface Case {
  readonly ignore: string;
  readonly kept?: readonly string[];
  readonly dropped?: readonly string[];
  readonly refused?: true;
}

const TABLE = new URL("./testdata/dockerignore_cases.jsonl", import.meta.url);

async function withTree(
  files: readonly string[],
  test: (list: (ignore: string) => Promise<string[]>, root: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "unkey-walk-" });
  try {
    for (const file of files) {
      await Deno.mkdir(`${root}/${file}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${root}/${file}`, "x");
    }
    await test(async (ignore) => {
      const matcher = new IgnoreMatcher(parseIgnoreFile(ignore), ".dockerignore");
      const entries = await listContext(root, matcher, new AbortController().signal);
      return entries.map(({ path, kind }) => kind === "folder" ? `${path}/` : path);
    }, root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** A project that moves here must find that the same files are sent, whatever its ignore file looks like. */
Deno.test("listContext() keeps what Docker keeps", async () => {
  const [head = "", ...lines] = (await Deno.readTextFile(TABLE)).trim().split("\n");
  const tree: string[] = JSON.parse(head);
  await withTree(tree, async (list) => {
    const all = await list("");
    for (const line of lines) {
      const { ignore, kept, dropped = [], refused }: Case = JSON.parse(line);
      if (refused) {
        await assert.rejects(list(ignore), /is not a pattern/, ignore);
        continue;
      }
      const want = kept ?? all.filter((path) => !dropped.includes(path));
      assert.deepEqual((await list(ignore)).toSorted(), want.toSorted(), JSON.stringify(ignore));
    }
    assert.ok(lines.length > 200);
  });
});

Deno.test("listContext() with ignore files from practice", async (t) => {
  const tree = [
    "Dockerfile",
    "a.log",
    "src/a.log",
    "src/main.ts",
    "src/gen/x.ts",
    "dist/app.js",
    "dist/app.map",
  ];
  const cases: readonly { name: string; ignore: string; want: readonly string[] }[] = [
    { name: "a name at the top only", ignore: "a.log", want: tree.filter((path) => path !== "a.log") },
    { name: "a name anywhere", ignore: "**/*.log", want: tree.filter((path) => !path.endsWith(".log")) },
    { name: "a folder", ignore: "dist/", want: tree.filter((path) => !path.startsWith("dist")) },
    {
      name: "an exception in an ignored folder",
      ignore: "src\n!src/gen",
      want: [
        "Dockerfile",
        "a.log",
        "dist/app.js",
        "dist/app.map",
        "src/gen/x.ts",
      ],
    },
    { name: "everything but", ignore: "*\n!dist\ndist/*.map", want: ["dist/app.js"] },
    { name: "the last rule that matches", ignore: "!a.log\n*.log\n!a.log", want: tree },
    {
      name: "Windows line ends and comments",
      ignore: "\uFEFF# build\r\ndist\r\n\r\n",
      want: tree.slice(0, 5),
    },
  ];
  await withTree(tree, async (list) => {
    for (const { name, ignore, want } of cases) {
      await t.step(name, async () => {
        const files = (await list(ignore)).filter((path) => !path.endsWith("/"));
        assert.deepEqual(files, want.toSorted());
      });
    }
  });
});

Deno.test("listContext() does not read an ignored folder in which nothing can be kept", async () => {
  await withTree(["Dockerfile", "node_modules/x.js"], async (list, root) => {
    // A name that is not UTF-8 cannot be listed, so reading the folder would fail.
    const made = await new Deno.Command("sh", {
      args: ["-c", `touch "$(printf '%s/node_modules/\\377' "$1")"`, "sh", root],
    }).output();
    assert.ok(made.success);
    assert.deepEqual(await list("node_modules\n!Dockerfile"), ["Dockerfile"]);
    await assert.rejects(list("*.md"), /is not UTF-8\. Rename it/);
  });
});

/** Programs leave sockets in projects: git's file system monitor, a database, a test runner. Those must not stop a deploy. */
Deno.test("listContext() lists sockets and pipes", async () => {
  await withTree(["Dockerfile"], async (list, root) => {
    assert.ok((await new Deno.Command("mkfifo", { args: [`${root}/pipe`] }).output()).success);
    using _listener = Deno.listen({ transport: "unix", path: `${root}/app.sock` });
    assert.deepEqual(await list(""), ["Dockerfile", "app.sock", "pipe"]);
  });
});

Deno.test("listContext() orders siblings by the bytes of their names", async () => {
  await withTree(["\uffee", "\u{1f600}", "b", "a.b", "a/x"], async (list) => {
    assert.deepEqual(await list(""), ["a/", "a/x", "a.b", "b", "\uffee", "\u{1f600}"]);
  });
});

/** The walk lets timers through while it is in the folder, whose names it has read by then. */
Deno.test("listContext() takes files that vanish meanwhile as not there", async () => {
  await withTree(["Dockerfile", "many/0"], async (list, root) => {
    const count = 20_000;
    for (let at = 1; at < count; at++) Deno.writeTextFileSync(`${root}/many/${at}`, "");
    setTimeout(() => Deno.removeSync(`${root}/many`, { recursive: true }), 0);
    const listed = await list("");
    assert.ok(listed.includes("Dockerfile") && listed.length < count, String(listed.length));
  });
});

Deno.test("listContext() on Windows makes every file executable, and writes links with slashes", async () => {
  await withTree(["run.sh", "folder/file"], async (_list, root) => {
    await Deno.symlink("folder\\file", `${root}/link`);
    const matcher = new IgnoreMatcher([], ".dockerignore");
    const entries = await listContext(root, matcher, new AbortController().signal, "windows");
    assert.deepEqual(
      entries.map(({ path, mode, target }) => [path, mode.toString(8), target]),
      [["folder", "755", ""], ["folder/file", "755", ""], ["link", "777", "folder/file"], [
        "run.sh",
        "755",
        "",
      ]],
    );
  });
});
