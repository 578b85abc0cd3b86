/** Connections of clients without credentials: each ends in time, whatever it sends, and none has all the others' room. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { CtrlService } from "../../proto/gen/ctrl/v1/ctrl_pb.ts";
import { systemClock } from "../clock/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import { eventually } from "../testkit/eventually.ts";
import { type ConnectionLimits, type RpcServer, serveRpc } from "./mod.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS = "\0\0\0\x04\0\0\0\0\0";
const GOAWAY = 7;
const LIVENESS = "POST /ctrl.v1.CtrlService/Liveness HTTP/1.1\r\nHost: a\r\n" +
  "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

interface Served extends AsyncDisposable {
  readonly server: RpcServer;
}

async function serve(limits: Partial<ConnectionLimits>): Promise<Served> {
  const server = await serveRpc({
    hostname: "127.0.0.1",
    port: 0,
    portSetting: "none",
    clock: systemClock(),
    log: silentLogger(),
    mount: (router) => void router.service(CtrlService, { liveness: () => ({ status: "ok" }) }),
    limits,
  });
  return { server, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** A connection that keeps what comes. */
class Client implements Disposable {
  readonly #conn: Deno.TcpConn;
  received = "";
  ended = false;

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
    void this.#read();
  }

  static async open({ server }: Served): Promise<Client> {
    return new Client(await Deno.connect({ hostname: "127.0.0.1", port: server.port }));
  }

  async #read(): Promise<void> {
    const bytes = new Uint8Array(4096);
    for (;;) {
      const count = await this.#conn.read(bytes).catch(() => null);
      if (count === null) break;
      this.received += Buffer.from(bytes.subarray(0, count)).toString("latin1");
    }
    this.ended = true;
  }

  async send(text: string): Promise<void> {
    await this.#conn.write(Buffer.from(text, "latin1")).catch(() => undefined);
  }

  /** Sends `text` again and again until the server ends the connection. */
  async untilEnded(text = ""): Promise<void> {
    await eventually("the end of the connection", async () => {
      if (text !== "") await this.send(text);
      return this.ended;
    });
  }

  [Symbol.dispose](): void {
    try {
      this.#conn.close();
    } catch {
      // The server did it.
    }
  }
}

const SLOW: Readonly<Record<string, readonly [first: string, then: string]>> = {
  "sends nothing": ["", ""],
  "sends empty lines": ["", "\r\n"],
  "sends a head byte by byte": ["GET / HTTP/1.1\r\nX: ", "a"],
  "sends the begin of HTTP/2's preface": ["PR", ""],
  "speaks HTTP/2 and sends no request": [PREFACE + SETTINGS, ""],
  "speaks HTTP/2 and pings": [PREFACE + SETTINGS, "\0\0\x08\x06\0\0\0\0\0abcdefgh"],
};

for (const [what, [first, then]] of Object.entries(SLOW)) {
  Deno.test(`a connection that ${what} ends in the time for a head`, async () => {
    await using served = await serve({ headMsMax: 200, keepAliveMs: 3_600_000 });
    using client = await Client.open(served);
    await client.send(first);
    await client.untilEnded(then);
  });
}

Deno.test("a connection of HTTP/1.1 that is served may rest, and ends when it sends empty lines", async () => {
  await using served = await serve({ headMsMax: 200, keepAliveMs: 3_600_000 });
  using client = await Client.open(served);
  await client.send(LIVENESS);
  await eventually("the answer", () => client.received.includes('"status":"ok"'));
  await systemClock().sleep(600);
  assert.equal(client.ended, false);
  await client.untilEnded("\r\n");
});

Deno.test("a connection of HTTP/2 without requests ends with GOAWAY", async () => {
  await using served = await serve({ headMsMax: 100 });
  using client = await Client.open(served);
  await client.send(PREFACE + SETTINGS);
  await client.untilEnded();
  const types: number[] = [];
  const bytes = Buffer.from(client.received, "latin1");
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) types.push(bytes[at + 3] ?? -1);
  assert.equal(types.at(-1), GOAWAY);
});

Deno.test("an idle connection that was served ends after the time for idle ones", async () => {
  await using served = await serve({ headMsMax: 400, keepAliveMs: 100 });
  using client = await Client.open(served);
  await client.send(LIVENESS);
  await client.untilEnded();
  assert.match(client.received, /"status":"ok"/);
});

Deno.test("a client with too many connections gets 429 with Retry-After, another one is served", async () => {
  await using served = await serve({ connectionsPerClientMax: 3 });
  const clients = [];
  for (let each = 0; each < 3; each++) clients.push(await Client.open(served));
  using fourth = await Client.open(served);
  await fourth.untilEnded();
  assert.match(fourth.received, /^HTTP\/1\.1 429 [^]*Retry-After: \d[^]*too many connections/);
  clients[0]?.[Symbol.dispose]();
  await eventually("room for another one", async () => {
    using next = await Client.open(served);
    await next.send(LIVENESS);
    await eventually("an answer", () => next.received !== "");
    return next.received.includes('"status":"ok"');
  });
  for (const each of clients) each[Symbol.dispose]();
});

/** All clients behind it have its address. */
Deno.test("a balancer that is trusted may have more connections than one client", async () => {
  await using served = await serve({
    connectionsPerClientMax: 1,
    isShared: (address) => address === "127.0.0.1",
  });
  using _first = await Client.open(served);
  using second = await Client.open(served);
  await second.send(LIVENESS);
  await eventually("an answer", () => second.received.includes('"status":"ok"'));
});

Deno.test("a port that has as many connections as it may says 503 with Retry-After", async () => {
  await using served = await serve({ connectionsMax: 1, connectionsPerClientMax: 10 });
  using _first = await Client.open(served);
  using second = await Client.open(served);
  await second.untilEnded();
  assert.match(second.received, /^HTTP\/1\.1 503 [^]*Retry-After: \d/);
});
