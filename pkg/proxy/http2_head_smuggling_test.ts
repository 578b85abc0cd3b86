import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { FLAG, FRAME } from "../http2/frames.ts";
import { block, frame } from "../http2/testing_frames.ts";
import { REFUSALS } from "./testing_refusals.ts";
import { connectHttp2, testTls } from "./testing_tls.ts";
import { startProxy } from "./testing_wire.ts";

/** A request that the same connection has next. */
const AFTER: readonly Field[] = [[":method", "GET"], [":scheme", "https"], [":path", "/after"], [
  ":authority",
  "app.test",
]];

type Field = readonly [name: string, value: string];

const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: app.test\r\n\r\n";

/** A request in the fields of HTTP/2, as a translator without rules would write it. */
interface Translated {
  readonly fields: readonly Field[];
  readonly body: string;
}

/** Keeps every byte: of the request line in the pseudo-headers, of each line in a field, the rest in the body. */
function translate(request: string): Translated {
  const end = request.indexOf("\r\n\r\n");
  const [first = "", ...lines] = (end < 0 ? request : request.slice(0, end)).split("\r\n");
  const [method = "", ...target] = first.replace(/ HTTP\/\d\.\d$/, "").split(" ");
  const fields: Field[] = [
    [":method", method],
    [":scheme", "https"],
    [":path", target.join(" ")],
    [":authority", "app.test"],
  ];
  for (const line of lines) {
    if (line === "Host: a") continue;
    const colon = line.indexOf(":");
    fields.push([line.slice(0, colon).toLowerCase(), line.slice(colon + 1).replace(/^ /, "")]);
  }
  return { fields, body: (end < 0 ? "" : request.slice(end + 4)) + SMUGGLED };
}

/** Answers that differ from those in HTTP/1.1; `GET /` is one request, with all that was behind it as its body. */
const OTHERWISE: Readonly<Record<string, string>> = {
  "no Host": "GET /",
  "HTTP/2.0": "GET /",
  "a coding besides chunked": "400",
  "a coding that looks like chunked": "400",
};
const FRAME_BYTES_MAX = 16_000;

/** An app that reads as servers do, and notes what it takes for a request. */
function strictApp() {
  const seen: string[] = [];
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => undefined };
  const server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(options, async (request) => {
    seen.push(`${request.method} ${new URL(request.url).pathname}`);
    await request.text();
    return new Response("taken");
  });
  const { port } = server.addr;
  return { seen, upstream: { key: "app", host: "127.0.0.1", port }, stop: () => server.shutdown() };
}

async function connect() {
  const { tls } = await testTls();
  const app = strictApp();
  const proxy = await startProxy({ upstream: app.upstream, tls });
  const { wire, http2 } = await connectHttp2(proxy.securePort);
  await http2.begin();
  let stream = -1;
  return {
    app,
    /** The status of the answer, or `undefined` when the stream was broken off. */
    async ask({ fields, body }: Translated): Promise<string | undefined> {
      stream += 2;
      const head = block(...fields);
      const frames = [];
      for (let at = 0; at < head.length; at += FRAME_BYTES_MAX) {
        const isLast = at + FRAME_BYTES_MAX >= head.length;
        const flags = (isLast ? FLAG.endHeaders : 0) | (at === 0 && body === "" ? FLAG.endStream : 0);
        const type = at === 0 ? FRAME.headers : FRAME.continuation;
        frames.push(frame(type, flags, stream, head.subarray(at, at + FRAME_BYTES_MAX)));
      }
      if (body !== "") frames.push(frame(FRAME.data, FLAG.endStream, stream, Buffer.from(body, "latin1")));
      await http2.send(...frames);
      const { fields: answer, end } = await http2.fields(stream);
      if (!end) await http2.body();
      return answer[":status"];
    },
    async [Symbol.asyncDispose]() {
      wire.close();
      await proxy[Symbol.asyncDispose]();
      await app.stop();
    },
  };
}

Deno.test("no request that is refused in HTTP/1.1 smuggles another one in the words of HTTP/2", async (t) => {
  for (const { name, request, status } of REFUSALS) {
    await t.step(name, async () => {
      await using client = await connect();
      const answer = await client.ask(translate(request));
      const taken = client.app.seen.join();
      assert.equal(answer === "200" ? taken : answer, OTHERWISE[name] ?? String(status));
      assert.equal(await client.ask({ fields: AFTER, body: "" }), "200");
      assert.equal(client.app.seen.join(), [...taken === "" ? [] : [taken], "GET /after"].join());
    });
  }
});
