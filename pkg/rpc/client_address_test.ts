import assert from "node:assert/strict";
import { connect } from "node:http2";
import { text } from "node:stream/consumers";
import { systemClock } from "../clock/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import { clientAddress, serveRpc } from "./mod.ts";

const SPOOFED = { "x-unkey-client-address": "192.0.2.1", "X-Unkey-Client-Address": "192.0.2.2" };

Deno.test("the address of a client is that of its connection in both versions of HTTP, whatever it says", async () => {
  const server = await serveRpc({
    hostname: "127.0.0.1",
    port: 0,
    portSetting: "none",
    log: silentLogger(),
    clock: systemClock(),
    mount: () => undefined,
    routes: [({ headers }) => Promise.resolve(new Response(clientAddress(headers)))],
  });
  const url = `http://127.0.0.1:${server.port}`;
  try {
    for (let n = 0; n < 2; n++) {
      assert.equal(await (await fetch(url, { headers: SPOOFED })).text(), "127.0.0.1");
    }
    const session = connect(url);
    for (let n = 0; n < 2; n++) {
      const request = session.request({ ":path": "/", "x-unkey-client-address": "192.0.2.1" });
      assert.equal(await text(request), "127.0.0.1");
    }
    await new Promise<void>((done) => session.close(done));
  } finally {
    await server.shutdown();
  }
});
