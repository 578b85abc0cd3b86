/** Bodies of clients that a service does not know yet: small, in time, and in a bounded memory. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { CtrlService } from "../../proto/gen/ctrl/v1/ctrl_pb.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { systemClock } from "../clock/mod.ts";
import { createLogger } from "../logger/mod.ts";
import { eventually } from "../testkit/eventually.ts";
import { type RpcServerOptions, serveRpc } from "./mod.ts";

const LIVENESS = CtrlService.method.liveness;

interface Served extends AsyncDisposable {
  readonly port: number;
  readonly lines: string[];
}

async function serve(options: Pick<RpcServerOptions, "limits" | "routes">): Promise<Served> {
  const lines: string[] = [];
  const server = await serveRpc({
    hostname: "127.0.0.1",
    port: 0,
    portSetting: "none",
    clock: systemClock(),
    log: createLogger({ service: "test", level: "info", write: (line) => void lines.push(line) }),
    mount: (router) => {
      router.service(CtrlService, { liveness: () => ({ status: "ok" }) });
      router.service(DeploymentService, {});
    },
    ...options,
  });
  return { port: server.port, lines, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** A request whose body a test sends by hand. */
class Sender implements Disposable {
  readonly #conn: Deno.TcpConn;
  answer = "";

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
    void this.#read();
  }

  static async open(
    { port }: Served,
    { path = "/ctrl.v1.CtrlService/Liveness", length = 1_000, headers = "" } = {},
  ): Promise<Sender> {
    const sender = new Sender(await Deno.connect({ hostname: "127.0.0.1", port }));
    await sender.send(
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${length}\r\n${headers}\r\n`,
    );
    return sender;
  }

  async #read(): Promise<void> {
    const bytes = new Uint8Array(4096);
    for (;;) {
      const count = await this.#conn.read(bytes).catch(() => null);
      if (count === null) return void (this.answer += "[end]");
      this.answer += Buffer.from(bytes.subarray(0, count)).toString("latin1");
    }
  }

  async send(text: string): Promise<void> {
    await this.#conn.write(Buffer.from(text, "latin1")).catch(() => undefined);
  }

  answered(pattern: RegExp): Promise<void> {
    return eventually(String(pattern), () => pattern.test(this.answer));
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }
}

/** A call with a timeout header is served by the library's handler, one without by our own. */
const WAYS = { "the common way": "", "the library's way": "Connect-Timeout-Ms: 60000\r\n" };

for (const [way, headers] of Object.entries(WAYS)) {
  /** Sixty connections that withheld the last byte of 4 MiB held 240 MiB for as long as they liked. */
  Deno.test(`a body that does not end is answered in its time, by ${way}`, async () => {
    await using served = await serve({ limits: { bodyMsMax: 300 } });
    using sender = await Sender.open(served, { headers });
    await sender.send("{");
    await sender.answered(/^HTTP\/1\.1 504 [^]*too slowly/);
  });

  Deno.test(`a body that trickles is answered before its time, by ${way}`, async () => {
    const limits = { bodyMsMax: 3_600_000, bodyGraceMs: 100, bodyBytesPerSecondMin: 10_000 };
    await using served = await serve({ limits });
    using sender = await Sender.open(served, { headers });
    await eventually("an answer", async () => {
      await sender.send(" ");
      return /^HTTP\/1\.1 504 /.test(sender.answer);
    });
  });

  Deno.test(`a method that needs no credentials takes a small body only, by ${way}`, async () => {
    await using served = await serve({ limits: { messageBytesMaxOf: new Map([[LIVENESS, 4096]]) } });
    using sender = await Sender.open(served, { headers, length: 100_000 });
    await sender.send(" ".repeat(10_000));
    await sender.answered(/^HTTP\/1\.1 429 [^]*larger than allowed/);
  });

  Deno.test(`a message in JSON has a bound of its own, but for methods with long ones, by ${way}`, async () => {
    const text = `{"x":"${"x".repeat(6_000)}"}`;
    for (
      const [limits, answer] of [
        [{ jsonBytesMax: 1_000 }, /^HTTP\/1\.1 429 [^]*larger than allowed/],
        [{ jsonBytesMax: 1_000, jsonBytesMaxOf: new Map([[LIVENESS, 8_192]]) }, /"status":"ok"/],
        [{ jsonBytesMaxOf: new Map([[LIVENESS, 8_192]]), messageBytesMax: 1_000 }, /^HTTP\/1\.1 429 /],
      ] as const
    ) {
      await using served = await serve({ limits });
      using sender = await Sender.open(served, { headers, length: text.length });
      await sender.send(text);
      await sender.answered(answer);
    }
  });

  Deno.test(`bodies that wait share a bounded memory, and free it, by ${way}`, async () => {
    await using served = await serve({ limits: { bodyBytesWaitingMax: 50_000 } });
    using first = await Sender.open(served, { headers, length: 40_002 });
    await first.send(" ".repeat(40_000));
    await eventually("the second to be refused", async () => {
      using second = await Sender.open(served, { headers, length: 40_000 });
      await second.send(" ".repeat(20_000));
      await second.answered(/^HTTP\/1\.1 /);
      return /^HTTP\/1\.1 429 [^]*retry-after: 1[^]*as many requests as it can/i.test(second.answer);
    }, { everyMs: 10 });
    await first.send("{}");
    await first.answered(/"status":"ok"/);
    using third = await Sender.open(served, { headers, length: 40_000 });
    await third.send("{}" + " ".repeat(39_998));
    await third.answered(/"status":"ok"/);
  });

  /** 330,000 keys without credentials stood the api still for eight seconds. */
  Deno.test(`JSON that is nothing but structure is refused before it is parsed, by ${way}`, async () => {
    await using served = await serve({ limits: { jsonBytesMax: 4 * 1024 * 1024 } });
    const wide = `{${Array.from({ length: 330_000 }, (_, key) => `"${key}":1`).join()}}`;
    const deep = "[".repeat(1_000_000) + "]".repeat(1_000_000);
    for (const [text, problem] of [[wide, /more than 20000 members/], [deep, /nested deeper/]] as const) {
      using sender = await Sender.open(served, { headers, length: text.length });
      await sender.send(text);
      await sender.answered(problem);
      assert.match(sender.answer, /^HTTP\/1\.1 400 /);
    }
  });
}

Deno.test("a body of a route that trickles breaks off, one that the service leaves waiting does not", async () => {
  const limits = { bodyGraceMs: 100, bodyBytesPerSecondMin: 10_000 };
  await using served = await serve({
    limits,
    routes: [async (request) => {
      if (request.url.endsWith("/slow")) return new Response(await request.text());
      await systemClock().sleep(1_500);
      return new Response(await request.text());
    }],
  });
  using slow = await Sender.open(served, { path: "/slow" });
  using late = await Sender.open(served, { path: "/late", length: 4 });
  await late.send("body");
  await eventually("the end of the slow one", async () => {
    await slow.send(" ");
    return slow.answer !== "";
  });
  assert.doesNotMatch(slow.answer, / 200 /);
  await late.answered(/ 200 OK[^]*body/);
});

/** Each such request was a line of an error in the log, by anyone. */
Deno.test("a method that no handler can have is a 405, and no line in the log", async () => {
  await using served = await serve({});
  const sender = new Sender(await Deno.connect({ hostname: "127.0.0.1", port: served.port }));
  await sender.send("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n");
  await sender.answered(/^HTTP\/1\.1 405 /);
  sender[Symbol.dispose]();
  assert.deepEqual(served.lines, []);
});
