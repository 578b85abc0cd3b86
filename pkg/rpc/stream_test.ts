import { create, toBinary } from "@bufbuild/protobuf";
import { type CallOptions, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import assert from "node:assert/strict";
import {
  DeploymentService,
  StreamInstanceLogsRequestSchema,
  type StreamInstanceLogsResponse,
} from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { systemClock } from "../clock/mod.ts";
import { Fault } from "../fault/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import { type RpcServerOptions, serveRpc, type StreamClient, streamClientOf } from "./mod.ts";

const clock = systemClock();
const PATH = "/ctrl.v1.DeploymentService/StreamInstanceLogs";
const TEXT = "x".repeat(16 * 1024);

type Answer = { message: { case: "line"; value: { text: string } } };

function serve(
  watch: (signal: AbortSignal) => AsyncIterable<Answer>,
  options: Partial<RpcServerOptions> = {},
): ReturnType<typeof serveRpc> {
  return serveWith(({ signal }) => watch(signal), options);
}

async function serveWith(
  watch: (client: StreamClient) => AsyncIterable<Answer>,
  options: Partial<RpcServerOptions> = {},
): ReturnType<typeof serveRpc> {
  return await serveRpc({
    hostname: "127.0.0.1",
    port: 0,
    portSetting: "none",
    clock,
    log: silentLogger(),
    mount: (router) =>
      router.service(DeploymentService, {
        streamInstanceLogs: (_, context) => watch(streamClientOf(context)),
      }),
    ...options,
  });
}

function answer(text: string): Answer {
  return { message: { case: "line", value: { text } } };
}

function textOf({ message }: StreamInstanceLogsResponse): string {
  return message.case === "line" ? message.value.text : "";
}

function client(port: number, options: CallOptions = {}) {
  const transport = createConnectTransport({ baseUrl: `http://127.0.0.1:${port}`, useBinaryFormat: true });
  return createClient(DeploymentService, transport).streamInstanceLogs({}, options);
}

function envelope(flags: number, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(5 + data.length);
  bytes[0] = flags;
  new DataView(bytes.buffer).setUint32(1, data.length);
  bytes.set(data, 5);
  return bytes;
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (const deadline = clock.now() + 120_000; !condition();) {
    assert.ok(clock.now() < deadline, `${what} did not happen`);
    await clock.sleep(10);
  }
}

/** A request with a timeout takes the general path, and the answers must not tell which it was. */
Deno.test("streams answer alike whichever way they are served", async (t) => {
  for (const timeoutMs of [undefined, 120_000]) {
    await t.step(String(timeoutMs), async () => {
      const server = await serve(async function* () {
        yield answer("one");
        yield answer("two");
        throw new Fault("unavailable", "internal text", { publicMessage: "Come back." });
      });
      try {
        const texts: string[] = [];
        const error = await (async () => {
          for await (const { message } of client(server.port, timeoutMs === undefined ? {} : { timeoutMs })) {
            if (message.case === "line") texts.push(message.value.text);
          }
        })().then(() => assert.fail("it must fail"), (error: unknown) => ConnectError.from(error));
        assert.deepEqual(texts, ["one", "two"]);
        assert.deepEqual([error.code, error.rawMessage], [Code.Unavailable, "Come back."]);
      } finally {
        await server.shutdown();
      }
    });
  }
});

Deno.test("a request that is not one whole message is refused", async () => {
  const server = await serve(async function* () {});
  const request = toBinary(StreamInstanceLogsRequestSchema, create(StreamInstanceLogsRequestSchema));
  const bodies = {
    "no envelope": new Uint8Array(),
    "short": envelope(0, new Uint8Array(9)).subarray(0, 8),
    "compressed": envelope(1, request),
    "two": new Uint8Array([...envelope(0, request), ...envelope(0, request)]),
    "no message": envelope(0, new Uint8Array([255, 255])),
  };
  try {
    for (const [name, body] of Object.entries(bodies)) {
      const headers = { "content-type": "application/connect+proto" };
      const response = await fetch(`http://127.0.0.1:${server.port}${PATH}`, {
        method: "POST",
        headers,
        body,
      });
      const end = (await response.bytes()).subarray(5);
      assert.equal(JSON.parse(new TextDecoder().decode(end)).error.code, "invalid_argument", name);
    }
  } finally {
    await server.shutdown();
  }
});

/** With a thousand agents, encoding a change for each of them is most of the work. */
Deno.test("a message that several streams send is encoded once", async () => {
  let [reads, first] = [0, undefined as number | undefined];
  const value = {
    get text() {
      reads++;
      return "shared";
    },
  };
  const shared: Answer = { message: { case: "line", value } };
  const server = await serve(async function* () {
    yield shared;
  });
  try {
    for (let n = 0; n < 5; n++) {
      for await (const { message } of client(server.port)) {
        assert.equal(message.case === "line" && message.value.text, "shared");
      }
      first ??= reads;
    }
    assert.ok(first !== undefined && first > 0);
    assert.equal(reads, first);
  } finally {
    await server.shutdown();
  }
});

/** Signs of life of a thousand streams must not wake a thousand streams. */
Deno.test("a stream that waits can be written to beside it", async (t) => {
  const ways: readonly { name: string; options: CallOptions; expected: readonly string[] }[] = [
    { name: "plain", options: {}, expected: ["first", "one", "beside", "two"] },
    {
      name: "with a timeout it goes through the stream",
      options: { timeoutMs: 120_000 },
      expected: ["one", "two"],
    },
  ];
  for (const { name, options, expected } of ways) {
    await t.step(name, async () => {
      const sent: (boolean | undefined)[] = [];
      let kept: StreamClient["sendNow"];
      const server = await serveWith(async function* ({ sendNow }) {
        kept = sendNow;
        sent.push(sendNow?.(answer("first")));
        yield answer("one");
        sent.push(sendNow?.(answer("beside")));
        yield answer("two");
      });
      try {
        assert.deepEqual(await Array.fromAsync(client(server.port, options), textOf), expected);
        sent.push(kept?.(answer("too late")));
        assert.deepEqual(sent, kept === undefined ? [undefined, undefined, undefined] : [true, true, false]);
      } finally {
        await server.shutdown();
      }
    });
  }
});

/** An agent whose process hangs keeps its socket open and reads nothing. */
for (
  const [name, headers] of Object.entries({ plain: "", "with a timeout": "connect-timeout-ms: 60000\r\n" })
) {
  Deno.test(`a client that stops reading is bounded in memory, and cut after a while (${name})`, async () => {
    let [made, ended] = [0, false];
    const server = await serve(async function* (signal) {
      try {
        for (; !signal.aborted; made++) yield answer(TEXT);
      } finally {
        ended = true;
      }
    }, { limits: { stallMsMax: 1_000 } });
    const socket = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    try {
      const body = envelope(0, new Uint8Array());
      const head =
        `POST ${PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/connect+proto\r\n${headers}` +
        `content-length: ${body.length}\r\n\r\n`;
      await socket.write(new Uint8Array([...new TextEncoder().encode(head), ...body]));
      await until("the cut", () => ended);
      // What the sockets of the kernel hold on both sides, and little more.
      assert.ok(made * TEXT.length < 32 * 1024 * 1024, `${made} messages were made without a reader`);
      const before = made;
      await clock.sleep(50);
      assert.equal(made, before);
    } finally {
      socket.close();
      await server.shutdown();
    }
  });
}

Deno.test("a client that reads slowly is not cut, and gets everything", async () => {
  const count = 400;
  const server = await serve(async function* () {
    for (let n = 0; n < count; n++) yield answer(`${n} ${TEXT}`);
  });
  try {
    const texts: string[] = [];
    for await (const { message } of client(server.port)) {
      if (message.case === "line") texts.push(message.value.text.split(" ")[0] ?? "");
      if (texts.length % 10 === 0) await clock.sleep(5);
    }
    assert.deepEqual(texts, Array.from({ length: count }, (_, n) => String(n)));
  } finally {
    await server.shutdown();
  }
});

Deno.test("the signal of a stream aborts when its client goes away", async () => {
  const gone = Promise.withResolvers<void>();
  const server = await serve(async function* (signal) {
    signal.addEventListener("abort", () => gone.resolve());
    yield answer("one");
    await gone.promise;
  });
  try {
    const leave = new AbortController();
    const stream = client(server.port, { signal: leave.signal })[Symbol.asyncIterator]();
    await stream.next();
    leave.abort();
    await Promise.all([gone.promise, assert.rejects(stream.next())]);
  } finally {
    await server.shutdown();
  }
});
