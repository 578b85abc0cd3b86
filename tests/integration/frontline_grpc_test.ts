/** gRPC through the edge: TLS and HTTP/2 in front, HTTP/2 without TLS to the app, every kind of call. */
import assert from "node:assert/strict";
import { createServer } from "node:http2";
import {
  create,
  createFileRegistry,
  type DescMethod,
  fromJson,
  type Message,
  toJsonString,
} from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter, type Transport } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { SERVER_NAME, testTls } from "../../pkg/proxy/testing_tls.ts";
import { startProxy } from "../../pkg/proxy/testing_wire.ts";

/** `test.v1.Echo`: one call of each kind, over a message with a text. */
function echoMethods(): readonly DescMethod[] {
  const method = (name: string, clientStreaming: boolean, serverStreaming: boolean) => ({
    name,
    inputType: ".test.v1.Text",
    outputType: ".test.v1.Text",
    clientStreaming,
    serverStreaming,
  });
  const file = create(FileDescriptorProtoSchema, {
    name: "test/v1/echo.proto",
    package: "test.v1",
    syntax: "proto3",
    messageType: [{
      name: "Text",
      field: [{
        name: "text",
        jsonName: "text",
        number: 1,
        type: FieldDescriptorProto_Type.STRING,
        label: FieldDescriptorProto_Label.OPTIONAL,
      }],
    }],
    service: [{
      name: "Echo",
      method: [method("Unary", false, false), method("Stream", false, true), method("Both", true, true)],
    }],
  });
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] }));
  const service = registry.getService("test.v1.Echo");
  return service?.methods ?? [];
}

const [UNARY, STREAM, BOTH] = echoMethods();

function message(method: DescMethod, text: string): Message {
  return fromJson(method.input, { text });
}

function textOf(method: DescMethod, given: Message): string {
  const json: unknown = JSON.parse(toJsonString(method.output, given));
  return typeof json === "object" && json !== null && "text" in json ? String(json.text) : "";
}

async function* each(method: DescMethod, ...texts: readonly string[]): AsyncGenerator<Message> {
  for (const text of texts) yield await Promise.resolve(message(method, text));
}

/** The app: an ordinary gRPC server of HTTP/2 without TLS. */
async function serve(
  routes: (router: ConnectRouter) => void,
): Promise<{ port: number; stop: () => Promise<void> }> {
  const server = createServer({}, connectNodeAdapter({ routes, connect: false, grpcWeb: false }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { port, stop: () => new Promise((resolve) => server.close(() => resolve())) };
}

function echo(router: ConnectRouter): void {
  if (UNARY === undefined || STREAM === undefined || BOTH === undefined) throw new Error("no methods");
  const methods = { unary: UNARY, stream: STREAM, both: BOTH };
  router.rpc(methods.unary as DescMethod & { methodKind: "unary" }, (request, context) => {
    if (textOf(methods.unary, request) === "fail") {
      throw new ConnectError("as asked", Code.FailedPrecondition);
    }
    context.responseTrailer.set("x-sum", "7");
    return request;
  });
  router.rpc(methods.stream as DescMethod & { methodKind: "server_streaming" }, async function* (request) {
    for (let index = 0; index < 3; index++) {
      yield await Promise.resolve(message(methods.stream, `${textOf(methods.stream, request)}${index}`));
    }
  });
  router.rpc(methods.both as DescMethod & { methodKind: "bidi_streaming" }, async function* (requests) {
    for await (const request of requests) yield message(methods.both, `re: ${textOf(methods.both, request)}`);
  });
}

/** A client of gRPC, and a proxy in front of the app. */
async function withClient(test: (transport: Transport) => Promise<void>): Promise<void> {
  const app = await serve(echo);
  try {
    const { tls, authority } = await testTls();
    const upstream = { key: "grpc", host: "127.0.0.1", port: app.port, protocol: "h2c" } as const;
    await using proxy = await startProxy({ upstream, tls });
    const sessions = new Http2SessionManager(`https://127.0.0.1:${proxy.securePort}`, {}, {
      ca: authority,
      servername: SERVER_NAME,
    });
    const transport = createGrpcTransport({
      baseUrl: `https://127.0.0.1:${proxy.securePort}`,
      sessionManager: sessions,
    });
    await test(transport);
    sessions.abort();
  } finally {
    await app.stop();
  }
}

Deno.test("gRPC calls of every kind pass through the edge", async (t) => {
  await withClient(async (transport) => {
    if (UNARY === undefined || STREAM === undefined || BOTH === undefined) throw new Error("no methods");
    const [unary, stream, both] = [UNARY, STREAM, BOTH];
    await t.step("a call with one answer, and its trailers", async () => {
      const method = unary as DescMethod & { methodKind: "unary" };
      const answer = await transport.unary(method, undefined, undefined, undefined, { text: "hi" } as never);
      assert.equal(textOf(unary, answer.message), "hi");
      assert.equal(answer.trailer.get("x-sum"), "7");
    });
    await t.step("a call that fails has its code", async () => {
      const method = unary as DescMethod & { methodKind: "unary" };
      const failed = transport.unary(method, undefined, undefined, undefined, { text: "fail" } as never);
      await assert.rejects(
        failed,
        (error: unknown) => ConnectError.from(error).code === Code.FailedPrecondition,
      );
    });
    await t.step("a call with many answers", async () => {
      const method = stream as DescMethod & { methodKind: "server_streaming" };
      const answer = await transport.stream(
        method,
        undefined,
        undefined,
        undefined,
        each(stream, "n") as never,
      );
      const texts: string[] = [];
      for await (const next of answer.message) texts.push(textOf(stream, next));
      assert.deepEqual(texts, ["n0", "n1", "n2"]);
    });
    await t.step("a call both ways, one message at a time", async () => {
      const method = both as DescMethod & { methodKind: "bidi_streaming" };
      const first = Promise.withResolvers<void>();
      async function* requests(): AsyncGenerator<Message> {
        yield message(both, "one");
        await first.promise;
        yield message(both, "two");
      }
      const answer = await transport.stream(method, undefined, undefined, undefined, requests() as never);
      const texts: string[] = [];
      for await (const next of answer.message) {
        texts.push(textOf(both, next));
        first.resolve();
      }
      assert.deepEqual(texts, ["re: one", "re: two"]);
    });
  });
});
