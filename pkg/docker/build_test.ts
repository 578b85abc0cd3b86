import assert from "node:assert/strict";
import { packTar } from "modern-tar";
import { isFault } from "../fault/mod.ts";
import { BASE_IMAGE, engineAnswers, ensureBaseImage } from "../testkit/base_image.ts";
import {
  type BuildEvent,
  buildImage,
  type BuildOutcome,
  type Engine,
  inspectImage,
  openEngine,
  removeImage,
} from "./mod.ts";

const ignore = !await engineAnswers();
const LIMIT_MS = 180_000;

/** Serves archives on this machine; what it does not know is 404. */
function serveContexts(answers: Record<string, () => Response | Promise<Response>>) {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    (request) => answers[new URL(request.url).pathname]?.() ?? new Response("no such key", { status: 404 }),
  );
  return { url: `http://127.0.0.1:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

async function archive(files: Record<string, string>): Promise<Uint8Array<ArrayBuffer>> {
  const tar = await packTar(
    Object.entries(files).map(([name, body]) => ({
      header: { name, size: new TextEncoder().encode(body).length, mode: 0o644 },
      body,
    })),
  );
  const gzip = new Blob([new Uint8Array(tar)]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(gzip).arrayBuffer());
}

interface Run {
  readonly outcome: BuildOutcome;
  readonly events: readonly BuildEvent[];
  readonly lines: readonly string[];
}

async function build(
  engine: Engine,
  contextUrl: string,
  options: { dockerfile?: string; tag?: string; signal?: AbortSignal } = {},
): Promise<Run> {
  const events: BuildEvent[] = [];
  const tag = options.tag ?? `unkey-test/build:${crypto.randomUUID()}`;
  try {
    const outcome = await buildImage(engine, {
      contextUrl,
      dockerfile: options.dockerfile ?? "Dockerfile",
      tag,
      labels: { "unkey.test": "build" },
      buildId: crypto.randomUUID(),
      signal: options.signal ?? AbortSignal.timeout(LIMIT_MS),
      onEvent: (event) => events.push(event),
    });
    return { outcome, events, lines: events.flatMap((each) => each.kind === "log" ? each.lines : []) };
  } finally {
    await removeImage(engine, tag, AbortSignal.timeout(LIMIT_MS));
  }
}

/** Runs `test` with an engine, the base image, and one context made of `files`. */
async function withContext(
  files: Record<string, string>,
  test: (engine: Engine, url: string) => Promise<void>,
): Promise<void> {
  const engine = openEngine();
  const body = await archive(files);
  await using server = serveContexts({ "/context.tgz": () => new Response(body) });
  try {
    await ensureBaseImage(engine, AbortSignal.timeout(LIMIT_MS));
    await test(engine, `${server.url}/context.tgz`);
  } finally {
    engine.close();
  }
}

function failure(run: Run): Extract<BuildOutcome, { kind: "failed" }> {
  assert.equal(run.outcome.kind, "failed");
  return run.outcome as Extract<BuildOutcome, { kind: "failed" }>;
}

Deno.test(
  { name: "buildImage() builds from a URL and tells steps and lines as they happen", ignore },
  async () => {
    const unique = crypto.randomUUID();
    const files = {
      "Dockerfile": `FROM ${BASE_IMAGE}\nCOPY a.txt /a.txt\nRUN echo one && echo two >&2 && echo ${unique}\n`,
      "a.txt": "a",
    };
    await withContext(files, async (engine, url) => {
      const first = await build(engine, url);
      assert.equal(first.outcome.kind, "built");
      assert.deepEqual(first.lines.toSorted(), ["one", unique, "two"].toSorted());
      const run = first.events.filter((each) => each.kind === "step" && each.name.includes("RUN echo one"));
      assert.deepEqual(run.map((each) => each.kind === "step" && each.status), ["running", "done"]);

      const again = await build(engine, url);
      assert.deepEqual(again.outcome.kind, "built");
      assert.deepEqual(again.lines, [], "the second build does not run anything");
      assert.ok(again.events.some((each) => each.kind === "step" && each.status === "cached"));
    });
  },
);

Deno.test({ name: "buildImage() gives the image its tag and labels", ignore }, async () => {
  await withContext({ Dockerfile: `FROM ${BASE_IMAGE}\n` }, async (engine, contextUrl) => {
    const tag = `unkey-test/tagged:${crypto.randomUUID()}`;
    const signal = AbortSignal.timeout(LIMIT_MS);
    try {
      const request = { contextUrl, dockerfile: "Dockerfile", tag, labels: {}, buildId: tag, signal };
      const outcome = await buildImage(engine, request);
      const image = await inspectImage(engine, tag, signal);
      assert.deepEqual(outcome, { kind: "built", imageId: image?.id, image: tag });
    } finally {
      await removeImage(engine, tag, signal);
    }
  });
});

Deno.test(
  { name: "buildImage() names the failing instruction, its exit code and its last lines", ignore },
  async () => {
    const dockerfile =
      `FROM ${BASE_IMAGE}\nRUN for i in $(seq 1 30); do echo line $i; done; printf "the end"; exit 3\n`;
    await withContext({ Dockerfile: dockerfile }, async (engine, url) => {
      const run = await build(engine, url);
      const { code, instruction, exitCode, lastLines, message } = failure(run);
      assert.equal(code, "build_failed");
      assert.equal(exitCode, 3);
      assert.match(instruction ?? "", /^RUN for i in/);
      assert.equal(lastLines.length, 20);
      assert.deepEqual(lastLines.slice(-2), ["line 30", "the end"]);
      assert.match(message, /failed with exit code 3/);
      assert.ok(run.events.some((each) => each.kind === "step" && each.status === "failed"));
    });
  },
);

const REFUSED: readonly {
  readonly name: string;
  readonly files: Record<string, string>;
  readonly dockerfile?: string;
  readonly code: string;
  readonly message: RegExp;
}[] = [
  {
    name: "a Dockerfile that is not there",
    files: { Dockerfile: `FROM ${BASE_IMAGE}\n` },
    dockerfile: "deploy/Dockerfile",
    code: "dockerfile_missing",
    message: /no file "deploy\/Dockerfile".*--dockerfile/,
  },
  {
    name: "an instruction that does not exist",
    files: { Dockerfile: `FROM ${BASE_IMAGE}\nRUUN x\n` },
    code: "build_failed",
    message: /Dockerfile" is not valid:.*unknown instruction: RUUN/,
  },
  {
    name: "an empty Dockerfile",
    files: { Dockerfile: "" },
    code: "build_failed",
    message: /cannot be empty/,
  },
  {
    name: "a base image that cannot be had",
    files: { Dockerfile: "FROM registry.invalid/no/such-image:1\n" },
    code: "build_failed",
    message: /base image registry\.invalid\/no\/such-image:1 could not be pulled.*cannot reach the registry/,
  },
  {
    name: "COPY of a file that is not in the context",
    files: { Dockerfile: `FROM ${BASE_IMAGE}\nCOPY missing.txt /x\n` },
    code: "build_failed",
    message: /copies "missing\.txt", which is not in the build context/,
  },
  {
    name: "a program that is not in the image",
    files: { Dockerfile: `FROM ${BASE_IMAGE}\nRUN no-such-program\n` },
    code: "build_failed",
    message: /"RUN no-such-program" failed with exit code 127/,
  },
];

for (const { name, files, dockerfile, code, message } of REFUSED) {
  Deno.test({ name: `buildImage() explains ${name}`, ignore }, async () => {
    await withContext(files, async (engine, url) => {
      const found = failure(await build(engine, url, dockerfile === undefined ? {} : { dockerfile }));
      assert.equal(found.code, code);
      assert.match(found.message, message);
    });
  });
}

Deno.test(
  { name: "buildImage() explains a context that is missing, expired or no archive", ignore },
  async () => {
    const engine = openEngine();
    await using server = serveContexts({
      "/expired": () => new Response("<Code>AccessDenied</Code>", { status: 403 }),
      "/text": () => new Response("this is not a tar archive\n".repeat(50)),
    });
    try {
      for (
        const [path, message] of [["/gone", /not there/], ["/expired", /403.*expired/], [
          "/text",
          /not a tar/,
        ]] as const
      ) {
        const found = failure(await build(engine, `${server.url}${path}`));
        assert.equal(found.code, "context_invalid", path);
        assert.match(found.message, message);
      }
    } finally {
      engine.close();
    }
  },
);

Deno.test({ name: "buildImage() leaves trouble of the object store to a retry", ignore }, async () => {
  const engine = openEngine();
  await using server = serveContexts({ "/broken": () => new Response("", { status: 503 }) });
  try {
    for (const url of [`${server.url}/broken`, "http://127.0.0.1:1/closed"]) {
      await assert.rejects(build(engine, url), (error) => isFault(error, "unavailable"));
    }
  } finally {
    engine.close();
  }
});

Deno.test({ name: "buildImage() stops the build in the engine when it is cancelled", ignore }, async () => {
  const marker = `${crypto.randomUUID()}`;
  const dockerfile = `FROM ${BASE_IMAGE}\nRUN echo ${marker}; sleep 7777\n`;
  await withContext({ Dockerfile: dockerfile }, async (engine, contextUrl) => {
    const stop = new AbortController();
    const work = buildImage(engine, {
      contextUrl,
      dockerfile: "Dockerfile",
      tag: "unkey-test/cancelled:1",
      labels: {},
      buildId: marker,
      signal: AbortSignal.any([stop.signal, AbortSignal.timeout(LIMIT_MS)]),
      onEvent: (event) => event.kind === "log" && stop.abort(new Error("cancelled by test")),
    });
    await assert.rejects(work, /cancelled by test/);
    await until(async () => !(await commandLines()).some((each) => each.includes(marker)));
  });
});

Deno.test("buildImage() says how to get Docker when there is none", async () => {
  const engine = openEngine("unix:///nonexistent/docker.sock");
  try {
    await assert.rejects(build(engine, "http://127.0.0.1:1/x"), (error) => {
      assert.ok(isFault(error, "unavailable"));
      assert.match(error.publicMessage ?? "", /Docker Engine does not answer.*[Ii]nstall/);
      return true;
    });
  } finally {
    engine.close();
  }
});

async function commandLines(): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    // A process may end while the list is read.
    found.push(await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => ""));
  }
  return found;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (!await condition()) {
    assert.ok(performance.now() < deadline, "the condition does not come true");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
