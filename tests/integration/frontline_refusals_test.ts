import assert from "node:assert/strict";
import { App, Wire } from "../../pkg/proxy/testing_wire.ts";
import { eventually } from "../testbed/wait.ts";
import { startEdge } from "./frontline_edge.ts";
import { applyEndpoints, applyRoute, Feed, snapshotEnd } from "./frontline_feed.ts";

async function ask(port: number, request: string, answer?: { app: App; text: string }): Promise<string> {
  using client = await Wire.connect(port);
  await client.send(request);
  if (answer !== undefined) {
    const { wire } = await answer.app.request();
    await wire.send(answer.text);
    wire.close();
  }
  return (await client.toEnd()).text;
}

Deno.test("an edge reports to the control plane what it refused in the place of an app", async () => {
  using app = new App();
  await using feed = await Feed.start();
  await using edge = startEdge(feed.url, { responseHeadBytesMax: 2_000, headBytesMax: 4_000 });
  const stream = await feed.stream();
  stream.send(1, applyEndpoints("d_1", app.port));
  stream.send(1, applyRoute("ir_1", "app.localhost", "d_1"));
  stream.send(1, snapshotEnd(2));
  await edge.ready;

  const get = (extra = "") => `GET / HTTP/1.1\r\nHost: app.localhost\r\nConnection: close\r\n${extra}\r\n`;
  const long = { app, text: `HTTP/1.1 200 OK\r\nSet-Cookie: ${"x".repeat(3_000)}\r\n\r\n` };
  for (let count = 0; count < 3; count++) assert.match(await ask(edge.port, get(), long), /^HTTP\/1\.1 502 /);
  const short = { app, text: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf" };
  await ask(edge.port, get(), short);
  assert.match(await ask(edge.port, get(`Cookie: ${"y".repeat(5_000)}\r\n`)), /^HTTP\/1\.1 431 /);
  // The client's own affair, and that of no app.
  assert.match(
    await ask(edge.port, "GET / HTTP/1.1\r\nHost: app.localhost\r\nX\r\n\r\n"),
    /^HTTP\/1\.1 400 /,
  );
  assert.match(await ask(edge.port, get().replace("app.", "other.")), /^HTTP\/1\.1 404 /);

  await eventually("three reports", () => feed.refusals.length >= 3);
  const texts = feed.refusals.map(({ deploymentId, text }) => `${deploymentId} ${text}`);
  assert.equal(texts.length, 3, "the same is reported once");
  assert.match(
    texts[0] ?? "",
    /^d_1 .* 502\. .*longer than 2000 bytes\. .*--response-header-bytes-max \(now 2000\)/,
  );
  assert.match(
    texts[1] ?? "",
    /^d_1 .* cut off a response\. .*mid-body/,
  );
  assert.match(texts[2] ?? "", /^d_1 .* 431\. .*--header-bytes-max \(now 4000\)/);
});
