import assert from "node:assert/strict";
import { isFault } from "../fault/mod.ts";
import { BASE_IMAGE, engineAnswers, ensureBaseImage } from "../testkit/base_image.ts";
import { tagImage } from "../testkit/images.ts";
import { parseHost } from "./address.ts";
import { chooseVersion } from "./engine.ts";
import { fullReference, withTag } from "./images.ts";
import {
  type ContainerEvent,
  containerEvents,
  containerLogs,
  type ContainerSpec,
  createContainer,
  type Engine,
  engineVersion,
  inspectContainer,
  inspectImage,
  listContainers,
  openEngine,
  pullImage,
  removeContainer,
  removeImage,
  startContainer,
  stopContainer,
} from "./mod.ts";

const ignore = !await engineAnswers();
const limit = (): AbortSignal => AbortSignal.timeout(180_000);

Deno.test("parseHost() takes the forms of DOCKER_HOST and no others", () => {
  assert.deepEqual(parseHost("unix:///run/x.sock"), { kind: "unix", path: "/run/x.sock" });
  assert.deepEqual(parseHost("tcp://10.0.0.1:2375"), { kind: "tcp", baseUrl: "http://10.0.0.1:2375" });
  for (const bad of ["", "/run/x.sock", "unix://x", "ssh://me@host", "npipe:////./pipe/x"]) {
    assert.throws(() => parseHost(bad), (error) => isFault(error, "invalid_argument"), bad);
  }
});

Deno.test("chooseVersion() takes the newest that both know and refuses engines that are too old", () => {
  assert.equal(chooseVersion("1.41"), "1.41");
  assert.equal(chooseVersion("1.44"), "1.44");
  assert.equal(chooseVersion("1.99"), "1.51");
  assert.equal(chooseVersion("2.0"), "1.51");
  assert.throws(() => chooseVersion("1.40"), /too old.*1\.41/);
});

/** `abc` would run any image with an id that begins with it. */
Deno.test("fullReference() is never the beginning of an id", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const full = {
    "abc": "docker.io/library/abc:latest",
    [digest]: `docker.io/library/${digest}`,
    "abc:1": "docker.io/library/abc:1",
    [`abc@${digest}`]: `docker.io/library/abc@${digest}`,
    "team/abc": "docker.io/team/abc:latest",
    "localhost/abc": "localhost/abc:latest",
    "host:5000/abc": "host:5000/abc:latest",
    "Host/abc": "Host/abc:latest",
    "r.example/abc:1": "r.example/abc:1",
  };
  for (const [short, long] of Object.entries(full)) assert.equal(fullReference(short), long);
});

Deno.test("withTag() means latest where nothing is said", () => {
  assert.equal(withTag("nginx"), "nginx:latest");
  assert.equal(withTag("host:5000/nginx"), "host:5000/nginx:latest");
  assert.equal(withTag("host:5000/nginx:1"), "host:5000/nginx:1");
  assert.equal(withTag("nginx@sha256:abc"), "nginx@sha256:abc");
});

function spec(name: string, script: string): ContainerSpec {
  return {
    name,
    image: BASE_IMAGE,
    command: ["sh", "-c", script],
    env: { A: "1=2" },
    labels: { "unkey.test": name },
    limits: { cpuMillicores: 100, memoryBytes: 32 * 1024 * 1024, pidsMax: 20 },
    publish: [],
    network: "bridge",
    restart: "no",
    output: { fileBytesMax: 1_000_000, filesMax: 1 },
    capabilitiesDropped: ["NET_RAW"],
    init: false,
  };
}

async function withEngine(test: (engine: Engine, name: string) => Promise<void>): Promise<void> {
  const engine = openEngine();
  const name = `unkey-test-${crypto.randomUUID()}`;
  try {
    await ensureBaseImage(engine, limit());
    await test(engine, name);
  } finally {
    await removeContainer(engine, name, limit());
    engine.close();
  }
}

Deno.test({
  name: "a container's life: create, start, list, logs, stop, remove, each harmless when repeated",
  ignore,
}, async () => {
  await withEngine(async (engine, name) => {
    const script = "trap 'exit 7' TERM; echo out; echo err >&2; while true; do sleep 0.1; done";
    const id = await createContainer(engine, spec(name, script), limit());
    await assert.rejects(
      createContainer(engine, spec(name, script), limit()),
      (error) => isFault(error, "already_exists"),
    );
    assert.equal((await inspectContainer(engine, id, limit()))?.state.status, "created");
    await startContainer(engine, id, limit());
    await startContainer(engine, id, limit());
    const [listed] = await listContainers(engine, [`unkey.test=${name}`], limit());
    assert.deepEqual([listed?.id, listed?.name, listed?.state], [id, name, "running"]);
    const container = await inspectContainer(engine, id, limit());
    assert.equal(container?.env["A"], "1=2");
    assert.deepEqual(container?.limits, { cpuMillicores: 100, memoryBytes: 33_554_432, pidsMax: 20 });
    assert.match(container?.ip ?? "", /^\d+\.\d+\.\d+\.\d+$/);

    const seen: string[] = [];
    for await (const { stream, text } of containerLogs(engine, id, { follow: true }, limit())) {
      seen.push(`${stream} ${text}`);
      if (seen.length === 2) break;
    }
    assert.deepEqual(seen.toSorted(), ["stderr err", "stdout out"]);

    await stopContainer(engine, id, 10, limit());
    await stopContainer(engine, id, 10, limit());
    assert.equal((await inspectContainer(engine, id, limit()))?.state.exitCode, 7);
    await removeContainer(engine, id, limit());
    await removeContainer(engine, id, limit());
    assert.equal(await inspectContainer(engine, id, limit()), undefined);
    await stopContainer(engine, id, 1, limit());
  });
});

Deno.test({
  name: "containerLogs() gives the last lines, and those since a time with nothing lost or doubled",
  ignore,
}, async () => {
  await withEngine(async (engine, name) => {
    const id = await createContainer(engine, spec(name, "for i in $(seq 1 50); do echo $i; done"), limit());
    await startContainer(engine, id, limit());
    const all = await Array.fromAsync(containerLogs(engine, id, { follow: true }, limit()));
    assert.deepEqual(
      all.map((each) => each.text),
      Array.from({ length: 50 }, (_, index) => String(index + 1)),
    );
    const tail = await Array.fromAsync(containerLogs(engine, id, { tail: 3 }, limit()));
    assert.deepEqual(tail.map((each) => each.text), ["48", "49", "50"]);
    const since = all[30]?.timeNs ?? 0n;
    const rest = await Array.fromAsync(containerLogs(engine, id, { sinceNs: since }, limit()));
    assert.deepEqual(
      rest.filter((each) => each.timeNs >= since).map((each) => each.text),
      all.filter((each) => each.timeNs >= since).map((each) => each.text),
    );
    await assert.rejects(
      Array.fromAsync(containerLogs(engine, "no-such", {}, limit())),
      (error) => isFault(error, "not_found"),
    );
  });
});

Deno.test({
  name: "containerEvents() reports events of containers of a label, and ends with the signal",
  ignore,
}, async () => {
  await withEngine(async (engine, name) => {
    const stop = new AbortController();
    const open = Promise.withResolvers<void>();
    const seen: ContainerEvent[] = [];
    const reading = (async () => {
      const options = { labels: [`unkey.test=${name}`], onOpen: open.resolve };
      for await (const event of containerEvents(engine, options, stop.signal)) {
        seen.push(event);
        if (event.action === "die") stop.abort(new Error("enough"));
      }
    })();
    const ended = assert.rejects(reading, /enough/);
    await open.promise;
    await startContainer(engine, await createContainer(engine, spec(name, "exit 5"), limit()), limit());
    await ended;
    assert.deepEqual(seen.map((each) => each.action), ["create", "start", "die"]);
    assert.equal(seen.at(-1)?.attributes["exitCode"], "5");
    assert.equal(seen.at(-1)?.attributes["unkey.test"], name);
  });
});

Deno.test(
  { name: "images are inspected, tagged and removed; a pull that cannot work says why", ignore },
  async () => {
    const engine = openEngine();
    const tag = `unkey-test/tagged:${crypto.randomUUID()}`;
    try {
      await ensureBaseImage(engine, limit());
      await tagImage(engine, BASE_IMAGE, tag, limit());
      const image = await inspectImage(engine, tag, limit());
      assert.equal(image?.id, (await inspectImage(engine, BASE_IMAGE, limit()))?.id);
      await removeImage(engine, tag, limit());
      await removeImage(engine, tag, limit());
      assert.equal(await inspectImage(engine, tag, limit()), undefined);
      await assert.rejects(pullImage(engine, "registry.invalid/no/such", limit()), (error) => {
        assert.ok(isFault(error, "failed_precondition"));
        assert.match(
          error.publicMessage ?? "",
          /^The image "registry\.invalid\/no\/such" could not be pulled: its registry cannot be reached\./,
        );
        assert.match(error.message, /could not be pulled: .*registry\.invalid/);
        return true;
      });
    } finally {
      engine.close();
    }
  },
);

Deno.test("calls end by their time limit and by the signal, and an absent engine is reported as such", async () => {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    async (request) => {
      if (request.url.endsWith("/version")) {
        return Response.json({
          ApiVersion: "1.41",
          Version: "20.10",
        });
      }
      await new Promise((resolve) => request.signal.addEventListener("abort", resolve, { once: true }));
      return new Response();
    },
  );
  const engine = openEngine(`tcp://127.0.0.1:${server.addr.port}`);
  try {
    assert.deepEqual(await engineVersion(engine, limit()), { version: "20.10", apiVersion: "1.41" });
    const request = { method: "GET", path: "/x", timeoutMs: 100, signal: limit() } as const;
    await assert.rejects(engine.call(request), (error) => isFault(error, "deadline_exceeded"));
    const signal = AbortSignal.abort(new Error("stopped"));
    await assert.rejects(engine.call({ ...request, signal }), /stopped/);
  } finally {
    engine.close();
    await server.shutdown();
  }
  const gone = openEngine(`tcp://127.0.0.1:${server.addr.port}`);
  try {
    await assert.rejects(engineVersion(gone, limit()), (error) => isFault(error, "unavailable"));
  } finally {
    gone.close();
  }
});

/** Streams outlive garbage collections, after which Deno alone does not tell a body of an abort. */
Deno.test("a stream ends by its signal after thousands of events", async () => {
  const EVENTS = 3_000;
  const encoder = new TextEncoder();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, (request) => {
    if (request.url.endsWith("/version")) return Response.json({ ApiVersion: "1.41", Version: "20.10" });
    let sent = 0;
    return new Response(
      new ReadableStream({
        async pull(controller) {
          if (sent === EVENTS) return await new Promise(() => undefined);
          if (sent % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
          const event = {
            Action: "start",
            Actor: { ID: String(sent++), Attributes: { filler: "x".repeat(2_000) } },
          };
          controller.enqueue(encoder.encode(`${JSON.stringify(event)}\n`));
        },
      }),
    );
  });
  const engine = openEngine(`tcp://127.0.0.1:${server.addr.port}`);
  const stop = new AbortController();
  try {
    const all = Promise.withResolvers<void>();
    const reading = (async () => {
      let seen = 0;
      for await (const _ of containerEvents(engine, { labels: [] }, stop.signal)) {
        if (++seen === EVENTS) all.resolve();
      }
    })();
    const ended = assert.rejects(reading, /stopped/);
    await all.promise;
    stop.abort(new Error("stopped"));
    await ended;
  } finally {
    engine.close();
    await server.shutdown();
  }
});
