import assert from "node:assert/strict";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { testTls } from "./testing_tls.ts";
import { App, startProxy, type TestProxy } from "./testing_wire.ts";

interface Seen {
  readonly names: string[];
  readonly proxy: TestProxy;
}

async function start(app: App): Promise<Seen> {
  const { tls } = await testTls();
  const names: string[] = [];
  const contextOf = (name: string): ReturnType<typeof tls.contextOf> => {
    names.push(name);
    return tls.contextOf(name);
  };
  return { names, proxy: await startProxy({ upstream: app.upstream, tls: { contextOf } }) };
}

/** Shakes hands; gives the protocols of both layers, or "refused". */
async function shake(port: number, options: ConnectionOptions): Promise<string> {
  const { authority } = await testTls();
  const socket: TLSSocket = connect({ host: "127.0.0.1", port, ca: authority, ...options });
  try {
    return await new Promise((resolve) => {
      socket.once("secureConnect", () => resolve(`${socket.getProtocol()} ${socket.alpnProtocol}`));
      socket.once("error", () => resolve("refused"));
      socket.once("close", () => resolve("refused"));
    });
  } finally {
    socket.destroy();
  }
}

Deno.test("a handshake is served by name and protocol, or refused", async (t) => {
  using app = new App();
  const { names, proxy } = await start(app);
  await using _ = proxy;
  const both = ["h2", "http/1.1"];
  const cases: readonly (readonly [name: string, options: ConnectionOptions, want: string, asked: string])[] =
    [
      ["both protocols", { servername: "app.test", ALPNProtocols: both }, "TLSv1.3 h2", "app.test"],
      [
        "HTTP/1.1 alone",
        { servername: "app.test", ALPNProtocols: ["http/1.1"] },
        "TLSv1.3 http/1.1",
        "app.test",
      ],
      ["no protocol", { servername: "app.test" }, "TLSv1.3 false", "app.test"],
      ["upper case", { servername: "APP.Test", ALPNProtocols: both }, "TLSv1.3 h2", "app.test"],
      [
        "TLS 1.2",
        { servername: "app.test", maxVersion: "TLSv1.2", ALPNProtocols: both },
        "TLSv1.2 h2",
        "app.test",
      ],
      ["a name without a certificate", { servername: "app.example" }, "refused", "app.example"],
      ["no name", { servername: "" }, "refused", ""],
    ];
  for (const [name, options, want, asked] of cases) {
    await t.step(name, async () => {
      names.length = 0;
      assert.equal(await shake(proxy.securePort, options), want);
      assert.deepEqual(names, [asked]);
    });
  }
});
