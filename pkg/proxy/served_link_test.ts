/** Requests that are answered by their body, and requests that go on with other fields. */
import assert from "node:assert/strict";
import { App, responseHead, startProxy, Wire } from "./testing_wire.ts";
import type { Answer, Decision } from "./types.ts";

const HEAD = "POST /form HTTP/1.1\r\nHost: app.localhost\r\n";

function serving(bytesMax: number, bodies: (string | undefined)[]): () => Decision {
  return () => ({
    kind: "serve",
    bytesMax,
    serve: (body) => {
      bodies.push(body === undefined ? undefined : new TextDecoder().decode(body));
      const answer: Answer = {
        status: body === undefined ? 413 : 200,
        headers: [["X-A", "1"]],
        body: "done",
      };
      return Promise.resolve(answer);
    },
  });
}

async function answerOf(wire: Wire): Promise<string> {
  const { status, fields } = await responseHead(wire);
  assert.ok(fields.includes("X-A: 1") && fields.includes("Content-Length: 4"), fields.join());
  assert.equal(await wire.exactly(4), "done");
  return status;
}

Deno.test("a body is given whole, in whatever framing and pieces it comes, and the connection goes on", async () => {
  const bodies: (string | undefined)[] = [];
  await using proxy = await startProxy({ route: serving(8, bodies) });
  using wire = await Wire.connect(proxy.port);
  await wire.send(`${HEAD}Content-Length: 8\r\n\r\nab`);
  await wire.send("cd");
  await wire.send("efgh");
  assert.equal(await answerOf(wire), "HTTP/1.1 200 OK");
  await wire.send(`${HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n2\r\nyz\r\n0\r\n\r\n`);
  assert.equal(await answerOf(wire), "HTTP/1.1 200 OK");
  await wire.send(`${HEAD}Content-Length: 0\r\n\r\n`);
  assert.equal(await answerOf(wire), "HTTP/1.1 200 OK");
  assert.deepEqual(bodies, ["abcdefgh", "xyz", ""]);
});

Deno.test("a body that is too long is asked about once, before its end", async () => {
  const bodies: (string | undefined)[] = [];
  await using proxy = await startProxy({ route: serving(8, bodies) });
  using wire = await Wire.connect(proxy.port);
  await wire.send(`${HEAD}Content-Length: 1000000\r\n\r\n123456789`);
  assert.equal(await answerOf(wire), "HTTP/1.1 413 Content Too Large");
  await wire.send("more");
  await wire.toEnd();
  assert.deepEqual(bodies, [undefined]);
});

Deno.test("a client that goes away before the end of its body is not answered", async () => {
  const bodies: (string | undefined)[] = [];
  await using proxy = await startProxy({ route: serving(8, bodies) });
  {
    using wire = await Wire.connect(proxy.port);
    await wire.send(`${HEAD}Content-Length: 8\r\n\r\nab`);
  }
  using next = await Wire.connect(proxy.port);
  await next.send(`${HEAD}Content-Length: 1\r\n\r\nz`);
  assert.equal(await answerOf(next), "HTTP/1.1 200 OK");
  assert.deepEqual(bodies, ["z"]);
});

Deno.test("an app gets the fields of the decision in the place of the client's, also on a kept connection", async () => {
  using app = new App();
  const headers = [{ name: "X-New", lower: "x-new", value: "1" }];
  await using proxy = await startProxy({
    route: () => ({ kind: "forward", upstream: app.upstream, headers }),
  });
  using client = await Wire.connect(proxy.port);
  const request = "GET / HTTP/1.1\r\nHost: app.localhost\r\nCookie: a=b\r\nX-Old: 1\r\n\r\n";
  await client.send(request);
  const { wire, head } = await app.request();
  assert.match(head, /^GET \/ HTTP\/1\.1\r\nHost: app\.localhost\r\nX-New: 1\r\nX-Forwarded-For/);
  await wire.send("HTTP/1.1 204 No Content\r\n\r\n");
  await responseHead(client);
  await client.send(request);
  assert.doesNotMatch(await wire.until("\r\n\r\n"), /Cookie|X-Old/);
  await wire.send("HTTP/1.1 204 No Content\r\n\r\n");
  assert.equal((await responseHead(client)).status, "HTTP/1.1 204 No Content");
});
