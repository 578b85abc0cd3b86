import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import assert from "node:assert/strict";
import { CtrlService } from "../../proto/gen/ctrl/v1/ctrl_pb.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { systemClock } from "../clock/mod.ts";
import { Fault } from "../fault/mod.ts";
import { createLogger } from "../logger/mod.ts";
import { type RpcServer, type RpcServerOptions, serveRpc } from "./mod.ts";

const clock = systemClock();

function start(options: Partial<RpcServerOptions> = {}): { server: RpcServer; url: string; lines: string[] } {
  const lines: string[] = [];
  const server = serveRpc({
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

Deno.test("serveRpc() speaks Connect and gRPC-Web, JSON and binary, over HTTP/1.1 and HTTP/2", async (t) => {
  const { server, url } = start();
  const h2 = Deno.createHttpClient({ http1: false, http2: true });
  try {
    for (const [name, options] of Object.entries({ "HTTP/1.1": {}, "HTTP/2": { client: h2 } })) {
      for (const useBinaryFormat of [true, false]) {
        for (const create of [createConnectTransport, createGrpcWebTransport]) {
          await t.step(`${create.name}, ${name}, ${useBinaryFormat ? "binary" : "JSON"}`, async () => {
            const transport = create({
              baseUrl: url,
              useBinaryFormat,
              fetch: (input, init) => fetch(input, { ...init, ...options }),
            });
            const client = createClient(CtrlService, transport);
            assert.equal((await client.liveness({})).status, "ok");
          });
        }
      }
    }
  } finally {
    h2.close();
    await server.shutdown();
  }
});

Deno.test("serveRpc() shows public texts only, and logs the rest once with the request id", async () => {
  const { server, url, lines } = start();
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

Deno.test("serveRpc() refuses messages over the limit, and what the gate refuses, before reading it", async () => {
  let asked = 0;
  const { server, url, lines } = start({
    limits: { messageBytesMax: 1000 },
    gate: ({ requestHeader }) => {
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
  const { server, url } = start({ limits: { unaryMsMax: 30 } });
  try {
    const client = createClient(DeploymentService, createConnectTransport({ baseUrl: url }));
    assert.equal((await connectError(client.promote({}))).code, Code.DeadlineExceeded);
  } finally {
    await server.shutdown();
  }
});

/** A watcher that is not told would hold the process for the whole drain limit. */
Deno.test("shutdown() ends open streams at once, and readiness fails", async () => {
  const { server, url } = start({ limits: { drainMsMax: 30_000 } });
  const client = createClient(DeploymentService, createConnectTransport({ baseUrl: url }));
  const stream = client.watchDeploymentEvents({})[Symbol.asyncIterator]();
  await stream.next();
  const startedAt = clock.now();
  const [error] = await Promise.all([connectError(stream.next()), server.shutdown()]);
  assert.equal(error.code, Code.Unavailable);
  assert.ok(clock.now() - startedAt < 5_000);
  await assert.rejects(fetch(`${url}/health/live`));
});

/** A call that ignores its signal must not keep the process from stopping. */
Deno.test("shutdown() waits for calls no longer than the drain limit", async () => {
  const [asked, stuck] = [Promise.withResolvers<void>(), Promise.withResolvers<Response>()];
  const { server, url, lines } = start({
    limits: { drainMsMax: 50 },
    routes: [() => (asked.resolve(), stuck.promise)],
  });
  const call = fetch(url).then((response) => response.text());
  await asked.promise;
  await server.shutdown();
  assert.match(lines.join(), /did not end in time/);
  stuck.resolve(new Response("late"));
  assert.equal(await call, "late");
});

Deno.test("serveRpc() says what to do when the port is taken", async () => {
  const { server } = start();
  try {
    assert.throws(() => start({ port: server.port }), (error) => {
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
  const { server, url } = start({ ready: () => Promise.resolve(ready) });
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
