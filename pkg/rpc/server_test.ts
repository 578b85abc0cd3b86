import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import assert from "node:assert/strict";
import { CtrlService, LivenessResponseSchema } from "../../proto/gen/ctrl/v1/ctrl_pb.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { systemClock } from "../clock/mod.ts";
import { Fault } from "../fault/mod.ts";
import { createLogger } from "../logger/mod.ts";
import { type RpcServer, type RpcServerOptions, serveRpc } from "./mod.ts";

const clock = systemClock();

async function start(
  options: Partial<RpcServerOptions> = {},
): Promise<{ server: RpcServer; url: string; lines: string[] }> {
  const lines: string[] = [];
  const server = await serveRpc({
    hostname: "127.0.0.1",
    port: 0,
    portSetting: "--http-port (UNKEY_HTTP_PORT)",
    clock,
    log: createLogger({ service: "test", level: "debug", write: (line) => lines.push(line) }),
    mount: (router) => {
      router.service(CtrlService, { liveness: () => ({ status: "ok" }) });
      router.service(DeploymentService, {
        getDeployment: () =>
          Promise.reject(new Fault("not_found", "internal text", { publicMessage: "Gone." })),
        cancelDeployment: () => Promise.reject(new Error("dial mysql://root:hunter2@db")),
        promote: async (_request, context) => {
          await clock.sleep(60_000, context.signal);
          return {};
        },
        async *watchDeploymentEvents(_request, context) {
          yield { event: { case: "heartbeat", value: {} } };
          await clock.sleep(60_000, context.signal);
        },
      });
    },
    ...options,
  });
  return { server, url: `http://127.0.0.1:${server.port}`, lines };
}

async function connectError(call: Promise<unknown>): Promise<ConnectError> {
  return ConnectError.from(
    await call.then(() => assert.fail("the call must fail"), (error: unknown) => error),
  );
}

/** A full disk once was the answer to every call that is logged: "No space left on device (os error 28)". */
Deno.test("a log that cannot be written changes no answer", async () => {
  const write = (): void => {
    throw new Error("No space left on device (os error 28)");
  };
  const { server, url } = await start({ log: createLogger({ service: "test", level: "debug", write }) });
  try {
    const transport = createConnectTransport({ baseUrl: url });
    assert.equal((await createClient(CtrlService, transport).liveness({})).status, "ok");
    const deployments = createClient(DeploymentService, transport);
    const missing = await connectError(deployments.getDeployment({ deploymentId: "d" }));
    assert.deepEqual([missing.code, missing.rawMessage], [Code.NotFound, "Gone."]);
    const broken = await connectError(deployments.cancelDeployment({ deploymentId: "d" }));
    assert.equal(broken.code, Code.Internal);
    assert.doesNotMatch(broken.rawMessage, /space|os error/);
  } finally {
    await server.shutdown();
  }
});

Deno.test("serveRpc() speaks Connect and gRPC-Web, JSON and binary, over HTTP/1.1 and HTTP/2", async (t) => {
  const { server, url } = await start();
  const h2 = Deno.createHttpClient({ http1: false, http2: true });
  try {
    for (const [name, options] of Object.entries({ "HTTP/1.1": {}, "HTTP/2": { client: h2 } })) {
      for (const useBinaryFormat of [true, false]) {
        for (const createTransport of [createConnectTransport, createGrpcWebTransport]) {
          await t.step(
            `${createTransport.name}, ${name}, ${useBinaryFormat ? "binary" : "JSON"}`,
            async () => {
              const transport = createTransport({
                baseUrl: url,
                useBinaryFormat,
                fetch: (input, init) => fetch(input, { ...init, ...options }),
              });
              const client = createClient(CtrlService, transport);
              assert.equal((await client.liveness({})).status, "ok");
            },
          );
        }
      }
    }
  } finally {
    h2.close();
    await server.shutdown();
  }
});

/** A handler that answers with the very same message says that nothing has changed. */
Deno.test("serveRpc() encodes a message that several calls are answered with once per format", async () => {
  const answer = create(LivenessResponseSchema, { status: "first" });
  const mount: RpcServerOptions["mount"] = (router) =>
    void router.service(CtrlService, { liveness: () => answer });
  const { server, url } = await start({ mount });
  try {
    const ask = async (useBinaryFormat: boolean): Promise<string> => {
      const transport = createConnectTransport({ baseUrl: url, useBinaryFormat });
      return (await createClient(CtrlService, transport).liveness({})).status;
    };
    assert.equal(await ask(false), "first");
    answer.status = "second";
    assert.deepEqual([await ask(false), await ask(true)], ["first", "second"]);
    answer.status = "third";
    assert.deepEqual([await ask(false), await ask(true)], ["first", "second"]);
  } finally {
    await server.shutdown();
  }
});

Deno.test("serveRpc() shows public texts only, and logs the rest once with the request id", async () => {
  const { server, url, lines } = await start();
  try {
    const client = createClient(DeploymentService, createConnectTransport({ baseUrl: url }));
    const gone = await connectError(client.getDeployment({}));
    assert.deepEqual([gone.code, gone.rawMessage], [Code.NotFound, "Gone."]);
    const bug = await connectError(client.cancelDeployment({}));
    assert.equal(bug.code, Code.Internal);
    assert.doesNotMatch(bug.message, /hunter2/);
    const logged = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(logged.map((each) => [each["procedure"], each["code"], each["level"]]), [
      ["ctrl.v1.DeploymentService/GetDeployment", "NotFound", "info"],
      ["ctrl.v1.DeploymentService/CancelDeployment", "Internal", "error"],
    ]);
    assert.match(String(logged[1]?.["request_id"]), /^req_/);
    assert.equal(bug.metadata.get("x-request-id"), logged[1]?.["request_id"]);
  } finally {
    await server.shutdown();
  }
});

Deno.test("serveRpc() refuses messages over the limit, and calls that are not admitted, before reading them", async () => {
  let asked = 0;
  const { server, url, lines } = await start({
    limits: { messageBytesMax: 1000 },
    admit: ({ requestHeader }) => {
      asked++;
      if (requestHeader.get("authorization") === null) throw new Fault("unauthenticated", "no credentials");
    },
  });
  try {
    const call = (headers: Record<string, string>, size: number) =>
      createClient(DeploymentService, createConnectTransport({ baseUrl: url }))
        .getDeployment({ deploymentId: "x".repeat(size) }, { headers });
    assert.equal((await connectError(call({ authorization: "x" }, 2000))).code, Code.ResourceExhausted);
    assert.equal((await connectError(call({}, 2000))).code, Code.Unauthenticated);
    assert.equal(asked, 2);
    assert.deepEqual(lines, [], "what was refused before it was read leaves no line");
  } finally {
    await server.shutdown();
  }
});

Deno.test("serveRpc() ends a unary call at its deadline", async () => {
  const { server, url } = await start({ limits: { unaryMsMax: 30 } });
  try {
    const client = createClient(DeploymentService, createConnectTransport({ baseUrl: url }));
    assert.equal((await connectError(client.promote({}))).code, Code.DeadlineExceeded);
  } finally {
    await server.shutdown();
  }
});

Deno.test("serveRpc() has another deadline for a method that is given one", async () => {
  const { promote } = DeploymentService.method;
  const { server, url } = await start({ limits: { unaryMsMaxOf: new Map([[promote, 30]]) } });
  try {
    const client = createClient(DeploymentService, createConnectTransport({ baseUrl: url }));
    assert.equal((await connectError(client.promote({}))).code, Code.DeadlineExceeded);
  } finally {
    await server.shutdown();
  }
});

/** A watcher without a signal would hold the process for the whole drain limit. */
Deno.test("shutdown() ends open streams at once, and readiness fails", async () => {
  const { server, url } = await start({ limits: { drainMsMax: 300_000 } });
  const client = createClient(DeploymentService, createConnectTransport({ baseUrl: url }));
  const stream = client.watchDeploymentEvents({})[Symbol.asyncIterator]();
  await stream.next();
  const startedAt = clock.now();
  const [error] = await Promise.all([connectError(stream.next()), server.shutdown()]);
  assert.equal(error.code, Code.Unavailable);
  assert.ok(clock.now() - startedAt < 120_000);
  await assert.rejects(fetch(`${url}/health/live`));
});

/** A call that ignores its signal must not keep the process from stopping. */
Deno.test("shutdown() waits for calls no longer than the drain limit, then cuts them", async () => {
  const [asked, stuck] = [Promise.withResolvers<void>(), Promise.withResolvers<Response>()];
  const { server, url, lines } = await start({
    limits: { drainMsMax: 50 },
    routes: [() => (asked.resolve(), stuck.promise)],
  });
  const call = fetch(url).then(() => "answered", () => "cut");
  await asked.promise;
  await server.shutdown();
  assert.match(lines.join(), /did not end in time/);
  assert.equal(await call, "cut");
  stuck.resolve(new Response("late"));
});

Deno.test("serveRpc() names the next step when the port is taken", async () => {
  const { server } = await start();
  try {
    await assert.rejects(start({ port: server.port }), (error) => {
      assert.ok(error instanceof Fault);
      assert.equal(error.code, "failed_precondition");
      assert.match(error.publicMessage ?? "", new RegExp(`Port ${server.port} .* taken.*--http-port`));
      return true;
    });
  } finally {
    await server.shutdown();
  }
});

Deno.test("serveRpc() answers probes and unknown paths", async () => {
  let ready = false;
  const { server, url } = await start({ ready: () => Promise.resolve(ready) });
  const status = async (path: string): Promise<number> => {
    const response = await fetch(`${url}${path}`);
    await response.body?.cancel();
    return response.status;
  };
  try {
    assert.equal(await status("/v1/liveness"), 200);
    assert.equal(await status("/health/live"), 200);
    assert.equal(await status("/health/ready"), 503);
    ready = true;
    assert.equal(await status("/health/ready?x=1"), 200);
    assert.equal(await status("/nothing"), 404);
    assert.equal(await status("/ctrl.v1.CtrlService/Liveness"), 405);
  } finally {
    await server.shutdown();
  }
});

/** The fast path for unary calls and the general one must not differ in what a client sees. */
Deno.test("unary calls answer alike whichever way they are served", async (t) => {
  const { server, url } = await start({ limits: { messageBytesMax: 1000 } });
  const call = async (path: string, body: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}/ctrl.v1.${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });
    const answer = await response.json();
    assert.match(response.headers.get("x-request-id") ?? "", /^req_/);
    return [response.status, response.headers.get("content-type"), answer.status ?? answer.code];
  };
  try {
    // A timeout header takes the general way.
    for (const headers of [{}, { "connect-timeout-ms": "120000" }]) {
      await t.step(JSON.stringify(headers), async () => {
        const type = "application/json";
        const liveness = (body: string) => call("CtrlService/Liveness", body, headers);
        assert.deepEqual(await liveness("{}"), [200, type, "ok"]);
        assert.deepEqual(await liveness('{"unknown":1}'), [200, type, "ok"]);
        assert.deepEqual(await liveness("{"), [400, type, "invalid_argument"]);
        assert.deepEqual(await liveness(`{"unknown":"${"x".repeat(2000)}"}`), [
          429,
          type,
          "resource_exhausted",
        ]);
        assert.deepEqual(await call("DeploymentService/GetDeployment", "{}", headers), [
          404,
          type,
          "not_found",
        ]);
        assert.deepEqual(await call("DeploymentService/ListDeployments", "{}", headers), [
          501,
          type,
          "unimplemented",
        ]);
      });
    }
    assert.deepEqual(
      await call("DeploymentService/Promote", "{}", { "connect-timeout-ms": "20" }),
      [504, "application/json", "deadline_exceeded"],
    );
  } finally {
    await server.shutdown();
  }
});

/** Work without a waiting client must be able to stop. */
Deno.test("a unary handler's signal aborts when its client goes away, and when the server stops", async () => {
  const aborted: unknown[] = [];
  const entered: (() => void)[] = [];
  const { server, url } = await start({
    mount: (router) =>
      router.service(DeploymentService, {
        promote: async (_request, { signal }) => {
          entered.shift()?.();
          await clock.sleep(60_000, signal).catch((reason: unknown) => aborted.push(reason));
          return {};
        },
      }),
  });
  const client = createClient(DeploymentService, createConnectTransport({ baseUrl: url }));
  const promote = async (signal?: AbortSignal) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    entered.push(resolve);
    const call = client.promote({}, signal === undefined ? {} : { signal }).then(
      () => "done",
      () => "failed",
    );
    await promise;
    return { call };
  };
  const leave = new AbortController();
  const first = await promote(leave.signal);
  leave.abort();
  assert.equal(await first.call, "failed");
  for (const deadline = clock.now() + 120_000; aborted.length === 0 && clock.now() < deadline;) {
    await clock.sleep(5);
  }
  const second = await promote();
  await server.shutdown();
  assert.equal(await second.call, "done");
  assert.equal(aborted.length, 2);
});
