import assert from "node:assert/strict";
import { Secret } from "../config/mod.ts";
import { isFault } from "../fault/mod.ts";
import type { RegistryCredentials } from "../registry/mod.ts";
import { BASE_IMAGE, engineAnswers, ensureBaseImage } from "../testkit/base_image.ts";
import { tagImage } from "../testkit/images.ts";
import { hasRegistry, REGISTRY_USER, TestRegistry } from "../testkit/registry.ts";
import { inspectImage, pullImage, removeImage } from "./images.ts";
import { type Engine, openEngine } from "./engine.ts";
import { pushImage, type PushOutcome, type PushProgress } from "./push.ts";
import { pushProblem } from "./push_problem.ts";

const ignore = !await engineAnswers() || !hasRegistry();
const limit = (): AbortSignal => AbortSignal.timeout(180_000);

/** Runs `test` with the base image under a name in a registry. */
async function withTagged(
  registry: TestRegistry,
  test: (engine: Engine, reference: string) => Promise<void>,
): Promise<void> {
  const engine = openEngine();
  const reference = `${registry.name}/team/app:${crypto.randomUUID()}`;
  try {
    await ensureBaseImage(engine, limit());
    await tagImage(engine, BASE_IMAGE, reference, limit());
    await test(engine, reference);
  } finally {
    await removeImage(engine, reference, limit());
    engine.close();
  }
}

function push(engine: Engine, reference: string, credentials?: RegistryCredentials): Promise<PushOutcome> {
  const who = credentials === undefined ? {} : { credentials };
  return pushImage(engine, { reference, ...who, signal: limit() });
}

Deno.test(
  { name: "pushImage() answers with the digest under which the image can be pulled", ignore },
  async () => {
    await using registry = await TestRegistry.start();
    await withTagged(registry, async (engine, reference) => {
      const seen: PushProgress[] = [];
      const onProgress = (progress: PushProgress): void => void seen.push(progress);
      const pushed = await pushImage(engine, { reference, signal: limit(), onProgress });
      assert.ok(pushed.kind === "pushed", JSON.stringify(pushed));
      const last = seen.at(-1);
      assert.ok(last !== undefined && last.totalBytes > 0 && last.sentBytes === last.totalBytes);

      const byDigest = `${reference.slice(0, reference.lastIndexOf(":"))}@${pushed.digest}`;
      await removeImage(engine, reference, limit());
      assert.equal(await inspectImage(engine, byDigest, limit()), undefined);
      await pullImage(engine, byDigest, limit());
      assert.ok(await inspectImage(engine, byDigest, limit()) !== undefined);
      await removeImage(engine, byDigest, limit());
    });
  },
);

Deno.test({ name: "pushImage() and pullImage() send their credentials", ignore }, async () => {
  await using registry = await TestRegistry.start({ credentials: true });
  await withTagged(registry, async (engine, reference) => {
    const wrong = { username: "pusher", password: new Secret("wrong") };
    for (const credentials of [undefined, wrong]) {
      const refused = await push(engine, reference, credentials);
      assert.ok(refused.kind === "not_pushed" && refused.problem === "denied", JSON.stringify(refused));
    }
    assert.equal((await push(engine, reference, REGISTRY_USER)).kind, "pushed");

    await removeImage(engine, reference, limit());
    await assert.rejects(
      pullImage(engine, reference, limit()),
      (error) => isFault(error, "failed_precondition"),
    );
    await pullImage(engine, reference, limit(), { credentials: REGISTRY_USER });
  });
});

Deno.test({ name: "pushImage() reports a registry that is down", ignore }, async () => {
  await using registry = await TestRegistry.start();
  await withTagged(registry, async (engine, reference) => {
    await registry.pause();
    const failed = await push(engine, reference);
    assert.ok(failed.kind === "not_pushed" && failed.problem === "unavailable", JSON.stringify(failed));
  });
});

Deno.test({ name: "pushImage() stops when it is cancelled", ignore }, async () => {
  const stop = new AbortController();
  // Accepts and never answers.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      accepted.push(connection);
      stop.abort(new Error("cancelled by test"));
    }
  })();
  const engine = openEngine();
  const reference = `localhost:${listener.addr.port}/team/app:1`;
  try {
    await ensureBaseImage(engine, limit());
    await tagImage(engine, BASE_IMAGE, reference, limit());
    await assert.rejects(
      pushImage(engine, { reference, signal: AbortSignal.any([stop.signal, limit()]) }),
      /cancelled by test/,
    );
  } finally {
    await removeImage(engine, reference, limit());
    engine.close();
    listener.close();
    await accepting.catch(() => undefined);
    for (const connection of accepted) connection.close();
  }
});

Deno.test("pushImage() says how to get Docker when there is none", async () => {
  const engine = openEngine("unix:///nonexistent/docker.sock");
  try {
    await assert.rejects(push(engine, "localhost:1/x:1"), (error) => isFault(error, "unavailable"));
  } finally {
    engine.close();
  }
});

Deno.test("pushProblem()", async (t) => {
  const cases: readonly [string, ReturnType<typeof pushProblem>][] = [
    ["unauthorized: authentication required", "denied"],
    ["denied: requested access to the resource is denied", "denied"],
    ["no basic auth credentials", "denied"],
    ["denied: adding 2 MiB, which will exceed the configured upper limit of 1 MiB", "full"],
    ["received unexpected HTTP status: 507 Insufficient Storage", "full"],
    ["received unexpected HTTP status: 503 Service Unavailable", "unavailable"],
    ['Get "http://localhost:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused', "unavailable"],
    ['Get "https://r.example/v2/": net/http: TLS handshake timeout', "unavailable"],
    ['Get "https://r.example/v2/": x509: certificate signed by unknown authority', "refused"],
    ['Get "https://r.example/v2/": http: server gave HTTP response to HTTPS client', "refused"],
    ["manifest invalid: manifest invalid", "refused"],
  ];
  for (const [said, problem] of cases) {
    await t.step(said, () => assert.equal(pushProblem(said), problem));
  }
});

/** Recorded from Docker Engine 29: with its new image store there is no `aux`, and a layer's status may hold anything. */
Deno.test("pushImage() reads the digest of an engine whose images are in containerd", async (t) => {
  const digest = `sha256:${"a".repeat(64)}`;
  const layer = {
    status: `1: digest: sha256:${"b".repeat(64)} size: 4`,
    progressDetail: {},
    id: "191013f86a09",
  };
  const said = async (lines: readonly unknown[]): Promise<PushOutcome> => {
    const body = lines.map((line) => `${JSON.stringify(line)}\r\n`).join("");
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => undefined };
    await using server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(
      options,
      (request) =>
        request.url.endsWith("/version")
          ? Response.json({ Version: "29.2.0", ApiVersion: "1.44" })
          : new Response(body),
    );
    const engine = openEngine(`tcp://127.0.0.1:${server.addr.port}`);
    try {
      return await push(engine, "localhost:5000/t/x:1");
    } finally {
      engine.close();
    }
  };
  const first = { status: "The push refers to repository [localhost:5000/t/x]" };
  await t.step("the last line has it", async () => {
    const lines = [first, layer, { status: `1: digest: ${digest} size: 405` }];
    assert.deepEqual(await said(lines), { kind: "pushed", digest });
  });
  await t.step("the line of a layer has no digest", async () => {
    assert.equal((await said([first, layer])).kind, "not_pushed");
  });
});
