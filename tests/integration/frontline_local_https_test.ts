/** HTTPS of a laptop: an edge that issues certificates for names below `localhost` by an authority of the machine. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:tls";
import { systemClock } from "../../pkg/clock/mod.ts";
import { issueCertificate, makeAuthority } from "../../pkg/local_authority/mod.ts";
import { app, startEdge } from "./frontline_edge.ts";
import { applyEndpoints, applyRoute, Feed, snapshotEnd } from "./frontline_feed.ts";

const HOST = "shop-local.localhost";
const clock = systemClock();

Deno.test("each name with a route gets a certificate of the machine's authority at its first visit", async () => {
  const authority = await makeAuthority({ nowMs: clock.now() });
  const issued: string[] = [];
  const issue = (hostname: string) => {
    issued.push(hostname);
    return issueCertificate(authority, { hostname, nowMs: clock.now() });
  };
  const one = app("one");
  await using feed = await Feed.start();
  await using edge = startEdge(feed.url, { httpsPort: 0, httpsRedirect: false }, undefined, clock, issue);
  const stream = await feed.stream();
  stream.send(1, applyEndpoints("d_1", one.port));
  stream.send(2, applyRoute("ir_1", HOST, "d_1"));
  stream.send(2, snapshotEnd(2));
  await edge.ready;
  const open = async (servername: string) => {
    const socket = connect({
      host: "127.0.0.1",
      port: edge.httpsPort ?? 0,
      servername,
      ca: authority.certificatePem,
    });
    await once(socket, "secureConnect");
    return socket;
  };
  try {
    for (let visit = 0; visit < 2; visit++) {
      const socket = await open(HOST);
      assert.ok(socket.authorized);
      socket.write(`GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
      let text = "";
      for await (const chunk of socket) text += String(chunk);
      assert.match(text, /^HTTP\/1\.1 200 [^]*one/);
    }
    await assert.rejects(open("stranger.localhost"));
    assert.deepEqual(issued, [HOST]);
  } finally {
    await one.stop();
  }
});
