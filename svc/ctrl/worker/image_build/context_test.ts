import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { packTar } from "modern-tar";
import type { ContextEntry, ContextTree } from "../../../../pkg/build/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { dockerfileIn, fetchContext } from "./context.ts";

const { signal } = new AbortController();

/** `a` is a file with its own path as content, `a/` a folder, `a -> b` a link, `a => b` a hard link. */
function tree(...lines: readonly string[]): ContextTree {
  const entries = lines.map((line): ContextEntry => {
    const [, path = "", arrow = "", target = ""] = /^(.*?)(?: (->|=>) (.*))?$/.exec(line) ?? [];
    const kind = arrow === "->"
      ? "link"
      : arrow === "=>"
      ? "hard_link"
      : path.endsWith("/")
      ? "folder"
      : "file";
    const size = path.startsWith("huge") ? 2_000_000 : 1;
    return { path: path.replace(/\/$/, ""), kind, mode: 0o644, size, modifiedAtNs: 0n, target };
  });
  return {
    entries,
    async *read({ path }) {
      yield await Promise.resolve(new TextEncoder().encode(path));
    },
  };
}

const TREE = tree(
  "Dockerfile -> docker/prod",
  "deploy -> docker",
  "docker/",
  "docker/abs -> /docker/prod",
  "docker/folder/",
  "docker/hard => docker/prod",
  "docker/loop -> loop",
  "docker/out -> ../../../etc/passwd",
  "docker/prod",
  "docker/up -> ../plain",
  "huge",
  "plain",
  "way -> deploy/up",
);

Deno.test("dockerfileIn() follows links as docker build does", async (t) => {
  const table: readonly (readonly [path: string, content: string | undefined])[] = [
    ["plain", "plain"],
    ["./plain", "plain"],
    ["docker/../plain", "plain"],
    ["Dockerfile", "docker/prod"],
    ["docker/prod", "docker/prod"],
    ["deploy/prod", "docker/prod"],
    ["docker/abs", "docker/prod"],
    ["deploy/abs", "docker/prod"],
    ["docker/hard", "docker/prod"],
    ["docker/up", "plain"],
    ["way", "plain"],
    ["docker/loop", undefined],
    ["docker/out", undefined],
    ["docker/folder", undefined],
    ["docker", undefined],
    ["plain/below", undefined],
    ["", undefined],
    ["none", undefined],
  ];
  for (const [path, content] of table) {
    await t.step(JSON.stringify(path), async () => {
      const found = await dockerfileIn(TREE, path, signal);
      if (content === undefined) return assert.ok("kind" in found && found.code === "dockerfile_missing");
      assert.ok("content" in found);
      assert.deepEqual([found.path, new TextDecoder().decode(found.content)], [path, content]);
    });
  }
  await t.step("takes the name in lower case for the default one only", async () => {
    const lower = tree("dockerfile");
    assert.ok("content" in await dockerfileIn(lower, "Dockerfile", signal));
    assert.ok("kind" in await dockerfileIn(lower, "DOCKERFILE", signal));
  });
  await t.step("says that a file is too large, and not that there is none", async () => {
    const found = await dockerfileIn(TREE, "huge", signal);
    assert.ok("kind" in found);
    assert.match(found.message, /"huge" is larger than 1024 KiB/);
  });
});

Deno.test("fetchContext() tells failures of the user from trouble of the store", async (t) => {
  const contexts = { temporaryDirectory: tmpdir(), bytesMax: 10_000, entriesMax: 2 };
  const whole = await packTar(["a", "b", "c"].map((name) => ({ header: { name, size: 1 }, body: "x" })));
  const answers: Record<string, () => Response> = {
    "/missing": () => new Response("", { status: 404 }),
    "/broken": () => new Response("", { status: 503 }),
    "/text": () => new Response("no archive"),
    "/many": () => new Response(new Uint8Array(whole)),
    "/cut": () => new Response(new Uint8Array(whole).slice(0, 700)),
    "/lost": () =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new Uint8Array(whole).slice(0, 600));
            controller.error(new Error("lost"));
          },
        }),
      ),
  };
  await using server = Deno.serve(
    {
      hostname: "127.0.0.1",
      port: 0,
      onListen: () => undefined,
      onError: () => new Response("", { status: 500 }),
    },
    (request) => answers[new URL(request.url).pathname]?.() ?? new Response("", { status: 500 }),
  );
  const base = `http://127.0.0.1:${server.addr.port}`;
  const fetched = (path: string, head: { sizeBytes: number } | undefined = { sizeBytes: 1 }) =>
    fetchContext(
      {
        objects: { head: () => Promise.resolve(head), presignGet: () => Promise.resolve(`${base}${path}`) },
        contexts,
      },
      "key",
      signal,
    );
  for (
    const [path, code] of [
      ["/missing", "context_missing"],
      ["/text", "context_invalid"],
      ["/many", "context_invalid"],
      ["/cut", "context_invalid"],
    ] as const
  ) {
    await t.step(path, async () => {
      const found = await fetched(path);
      assert.ok("kind" in found && found.code === code);
    });
  }
  for (const path of ["/broken", "/lost", "/unknown"]) {
    await t.step(path, () => assert.rejects(fetched(path), (error) => isFault(error, "unavailable")));
  }
  await t.step("nothing answers", async () => {
    const objects = {
      head: () => Promise.resolve({ sizeBytes: 1 }),
      presignGet: () => Promise.resolve("http://127.0.0.1:1/"),
    };
    await assert.rejects(
      fetchContext({ objects, contexts }, "key", signal),
      (error) => isFault(error, "unavailable"),
    );
  });
});
