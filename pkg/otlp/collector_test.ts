import assert from "node:assert/strict";
import { createCollector, type SendOutcome } from "./collector.ts";
import type { OtlpSpan } from "./span.ts";

const SPAN: OtlpSpan = {
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  parentSpanId: "53995c3f42cd8ad8",
  name: "build",
  startMs: 1_760_000_000_123,
  endMs: 1_760_000_001_456,
  isFailed: true,
  attributes: { "unkey.critical": true, "unkey.region": "eu" },
};

interface Sent {
  readonly headers: Headers;
  readonly body: unknown;
}

/** Sends one span as JSON to a server that answers with `answer`. */
async function send(
  answer: () => Response,
  timeoutMs = 10_000,
): Promise<{ outcome: SendOutcome; sent: readonly Sent[] }> {
  const sent: Sent[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    async (request) => {
      sent.push({ headers: request.headers, body: await request.json() });
      return answer();
    },
  );
  try {
    const collector = createCollector({
      url: `http://127.0.0.1:${server.addr.port}/v1/traces`,
      headers: { "x-key": "secret" },
      format: "http/json",
      resource: { "service.name": "unkey" },
      timeoutMs,
      fetch,
    });
    return { outcome: await collector.send([SPAN], new AbortController().signal), sent };
  } finally {
    await server.shutdown();
  }
}

Deno.test("a span is sent as OTLP has it, with the headers of the settings", async () => {
  const { outcome, sent } = await send(() => Response.json({}));
  assert.deepEqual(outcome, { kind: "taken", rejected: 0, message: "" });
  assert.equal(sent[0]?.headers.get("x-key"), "secret");
  assert.equal(sent[0].headers.get("content-type"), "application/json");
  const text = JSON.stringify(sent[0].body);
  for (
    const part of [
      '"traceId":"4bf92f3577b34da6a3ce929d0e0e4736"',
      '"parentSpanId":"53995c3f42cd8ad8"',
      '"startTimeUnixNano":"1760000000123000000"',
      '"endTimeUnixNano":"1760000001456000000"',
      '"key":"service.name"',
      '"status":{"code":2',
    ]
  ) assert.ok(text.includes(part), `${part} in ${text}`);
});

Deno.test("answers of a collector are taken, refused, or away as the specification says", async (t) => {
  const partial = { partialSuccess: { rejectedSpans: "1", errorMessage: "too long\u001b[31m" } };
  const cases: readonly { name: string; answer: () => Response; want: SendOutcome }[] = [
    {
      name: "a part of the spans is rejected",
      answer: () => Response.json(partial),
      want: { kind: "taken", rejected: 1, message: "too long [31m" },
    },
    {
      name: "an answer that cannot be read",
      answer: () => new Response("x".repeat(200_000)),
      want: { kind: "taken", rejected: 0, message: "" },
    },
    {
      name: "a request that is wrong",
      answer: () => new Response("no such tenant", { status: 401 }),
      want: { kind: "refused", reason: "status 401: no such tenant" },
    },
    {
      name: "another place, which would get the headers",
      answer: () => Response.redirect("http://127.0.0.1:9/"),
      want: { kind: "refused", reason: "status 302" },
    },
    {
      name: "a collector with too much to do",
      answer: () => new Response(null, { status: 429, headers: { "retry-after": "7" } }),
      want: { kind: "away", reason: "status 429", retryAfterMs: 7_000 },
    },
    {
      name: "a wait that is longer than any",
      answer: () => new Response(null, { status: 503, headers: { "retry-after": "99999" } }),
      want: { kind: "away", reason: "status 503", retryAfterMs: 300_000 },
    },
    {
      name: "a balancer without a collector",
      answer: () => new Response(null, { status: 502 }),
      want: { kind: "away", reason: "status 502" },
    },
  ];
  for (const { name, answer, want } of cases) {
    await t.step(name, async () => assert.deepEqual((await send(answer)).outcome, want));
  }
});

Deno.test("a collector that does not listen is away, and an abort is no answer of it", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const options = { headers: {}, format: "http/protobuf", resource: {}, timeoutMs: 10_000, fetch } as const;
  const collector = createCollector({ ...options, url: `http://127.0.0.1:${port}/v1/traces` });
  assert.equal((await collector.send([SPAN], new AbortController().signal)).kind, "away");
  await assert.rejects(collector.send([SPAN], AbortSignal.abort(new Error("stopped"))), /stopped/);
});
