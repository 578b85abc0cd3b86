import assert from "node:assert/strict";
import { systemClock } from "../clock/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import { type HttpRoute, type RpcServer, type ServerLimits, serveRpc } from "./mod.ts";

const clock = systemClock();
const encoder = new TextEncoder();

function serve(route: HttpRoute, limits: Partial<ServerLimits> = {}): Promise<RpcServer> {
  return serveRpc({
    hostname: "127.0.0.1",
    port: 0,
    portSetting: "none",
    clock,
    log: silentLogger(),
    mount: () => undefined,
    routes: [route],
    limits,
  });
}

async function readAll(socket: Deno.Conn): Promise<string> {
  const decoder = new TextDecoder();
  const part = new Uint8Array(4096);
  let text = "";
  for (;;) {
    const length = await socket.read(part).catch(() => null);
    if (length === null) return text;
    text += decoder.decode(part.subarray(0, length), { stream: true });
  }
}

Deno.test("a route takes and gives bodies of any size as they come", async (t) => {
  const server = await serve((request) => Promise.resolve(new Response(request.body, { status: 201 })));
  const h2 = Deno.createHttpClient({ http1: false, http2: true });
  const sent = new Uint8Array(8 * 1024 * 1024).map((_, n) => n % 251);
  try {
    for (const [name, options] of Object.entries({ "HTTP/1.1": {}, "HTTP/2": { client: h2 } })) {
      await t.step(name, async () => {
        const response = await fetch(`http://127.0.0.1:${server.port}/echo`, {
          method: "PUT",
          body: sent,
          ...options,
        });
        assert.equal(response.status, 201);
        assert.deepEqual(await response.bytes(), sent);
      });
    }
  } finally {
    h2.close();
    await server.shutdown();
  }
});

/** A refused upload must neither be read to its end nor keep its connection. */
Deno.test("a client that is answered early reads the answer, and is cut when it goes on sending", async () => {
  const server = await serve((request) => {
    request.body?.cancel().catch(() => undefined);
    return Promise.resolve(new Response("too large", { status: 413 }));
  });
  const socket = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  try {
    const answer = readAll(socket);
    await socket.write(encoder.encode("PUT / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"));
    const chunk = encoder.encode(`4000\r\n${"x".repeat(0x4000)}\r\n`);
    await assert.rejects(async () => {
      for (const deadline = clock.now() + 30_000; clock.now() < deadline;) {
        await socket.write(chunk);
        await clock.sleep(1);
      }
    });
    assert.match(await answer, /^HTTP\/1.1 413 .*too large/s);
  } finally {
    socket.close();
    await server.shutdown();
  }
});

Deno.test("the signal of a request aborts when its client goes away", async () => {
  const [asked, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const server = await serve(async (request) => {
    request.signal.addEventListener("abort", () => gone.resolve());
    asked.resolve();
    await gone.promise;
    return new Response();
  });
  try {
    const leave = new AbortController();
    const call = fetch(`http://127.0.0.1:${server.port}/`, { method: "POST", signal: leave.signal });
    await asked.promise;
    leave.abort();
    await Promise.all([gone.promise, assert.rejects(call)]);
  } finally {
    await server.shutdown();
  }
});

/** An answer without an end; `cancelled` is called when the server lets go of it. */
function endless(cancelled: () => void, part = new Uint8Array(16 * 1024)): Response {
  return new Response(
    new ReadableStream({ pull: (controller) => controller.enqueue(part), cancel: cancelled }, {
      highWaterMark: 0,
    }),
  );
}

Deno.test("the body of an answer is let go when its client left before it was made", async (t) => {
  const h2 = Deno.createHttpClient({ http1: false, http2: true });
  try {
    for (const [name, options] of Object.entries({ "HTTP/1.1": {}, "HTTP/2": { client: h2 } })) {
      await t.step(name, async () => {
        const [asked, gone, cancelled] = [0, 1, 2].map(() => Promise.withResolvers<void>());
        const server = await serve(async (request) => {
          request.signal.addEventListener("abort", () => gone?.resolve());
          asked?.resolve();
          await gone?.promise;
          return endless(() => cancelled?.resolve());
        });
        try {
          const leave = new AbortController();
          const url = `http://127.0.0.1:${server.port}/`;
          const call = fetch(url, { method: "POST", signal: leave.signal, ...options });
          await asked?.promise;
          leave.abort();
          await assert.rejects(call);
          await cancelled?.promise;
        } finally {
          await server.shutdown();
        }
      });
    }
  } finally {
    h2.close();
  }
});

Deno.test("the body of an answer is let go when its client leaves in the middle", async () => {
  const cancelled = Promise.withResolvers<void>();
  const server = await serve(() => Promise.resolve(endless(() => cancelled.resolve())));
  const response = await fetch(`http://127.0.0.1:${server.port}/`);
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  await cancelled.promise;
  await server.shutdown();
});

Deno.test("a client that reads nothing of a long answer is cut", async () => {
  const cancelled = Promise.withResolvers<void>();
  const server = await serve(
    () => Promise.resolve(endless(() => cancelled.resolve())),
    { stallMsMax: 400 },
  );
  using socket = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await socket.write(encoder.encode("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"));
  await cancelled.promise;
  await server.shutdown();
});

Deno.test("a connection may begin in pieces, whichever version of HTTP it speaks", async (t) => {
  const server = await serve(() => Promise.resolve(new Response("here")));
  const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
  const openings = {
    "HTTP/1.1": ["P", "U", "T / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"],
    "HTTP/2": ["P", "R", preface.slice(2)],
  };
  try {
    for (const [name, pieces] of Object.entries(openings)) {
      await t.step(name, async () => {
        using socket = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
        socket.setNoDelay(true);
        for (const piece of pieces) {
          await socket.write(encoder.encode(piece));
          await clock.sleep(20);
        }
        const first = new Uint8Array(64);
        const length = await socket.read(first) ?? 0;
        // The server's settings, the first frame of HTTP/2, are of type 4.
        const said = name === "HTTP/2"
          ? String(first[3])
          : new TextDecoder().decode(first.subarray(0, length));
        assert.match(said, name === "HTTP/2" ? /^4$/ : /^HTTP\/1.1 200/);
      });
    }
  } finally {
    await server.shutdown();
  }
});

/** A target that is no URL must not reach a route. */
Deno.test("a request without a sensible target is refused", async () => {
  const server = await serve((request) => Promise.resolve(new Response(request.url)));
  const socket = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  try {
    await socket.write(encoder.encode("GET / HTTP/1.1\r\nhost: a b:c\r\nconnection: close\r\n\r\n"));
    assert.match(await readAll(socket), /^HTTP\/1.1 400 /);
  } finally {
    socket.close();
    await server.shutdown();
  }
});
