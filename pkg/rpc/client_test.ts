import assert from "node:assert/strict";
import { systemClock } from "../clock/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import { FrontlineService, type RouteState } from "../../proto/gen/ctrl/v1/frontline_pb.ts";
import { isFault } from "../fault/mod.ts";
import { CtrlService } from "../../proto/gen/ctrl/v1/ctrl_pb.ts";
import { createRpcClient, fromConnectError, serveRpc } from "./mod.ts";

const MESSAGES = 2_000;
const DEADLINE_MS = 120_000;

/** Long streams outlive garbage collections, after which an abort was lost: nothing that watches could be stopped. */
Deno.test("a stream ends when its signal aborts, also after thousands of messages", async () => {
  const server = await serveRpc({
    hostname: "127.0.0.1",
    port: 0,
    portSetting: "none",
    log: silentLogger(),
    clock: systemClock(),
    mount: (router) =>
      router.service(FrontlineService, {
        async *watchRoutes(_request, context): AsyncGenerator<{ version: bigint }> {
          for (let version = 1; version <= MESSAGES; version++) {
            yield { version: BigInt(version) };
            if (version % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
          }
          await new Promise((resolve) => context.signal.addEventListener("abort", resolve, { once: true }));
        },
      }),
    limits: { drainMsMax: 100 },
  });
  const stop = new AbortController();
  const all = Promise.withResolvers<void>();
  const client = createRpcClient(FrontlineService, { baseUrl: `http://127.0.0.1:${server.port}` });
  const read = async (states: AsyncIterable<RouteState>): Promise<void> => {
    for await (const { version } of states) if (version === BigInt(MESSAGES)) all.resolve();
  };
  const ended = read(client.watchRoutes({}, { signal: stop.signal })).then(() => "ended", () => "aborted");
  await all.promise;
  stop.abort();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => timer = setTimeout(() => resolve("never"), DEADLINE_MS));
  assert.equal(await Promise.race([ended, late]), "aborted");
  clearTimeout(timer);
  await server.shutdown();
});

/** The client of a stream opens it again after `unavailable`, and gives up after `internal`. */
Deno.test("a call that the network breaks is unavailable or late, never internal or cancelled", async (t) => {
  const codeOf = async (call: Promise<unknown>): Promise<string> => {
    const error: unknown = await call.then(() => "answered", fromConnectError);
    return isFault(error) ? error.code : String(error);
  };
  await t.step("no server", async () => {
    const gone = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
      () => new Response(),
    );
    await gone.shutdown();
    const client = createRpcClient(CtrlService, { baseUrl: `http://127.0.0.1:${gone.addr.port}` });
    assert.equal(await codeOf(client.liveness({})), "unavailable");
  });

  await t.step("no answer in time", async () => {
    const held = Promise.withResolvers<Response>();
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
      () => held.promise,
    );
    const baseUrl = `http://127.0.0.1:${server.addr.port}`;
    const client = createRpcClient(CtrlService, { baseUrl, timeoutMs: 50 });
    assert.equal(await codeOf(client.liveness({})), "deadline_exceeded");
    const stop = AbortSignal.abort(new DOMException("Got SIGINT", "AbortError"));
    assert.equal(await codeOf(client.liveness({}, { signal: stop })), "cancelled");
    held.resolve(new Response());
  });

  await t.step("a stream that breaks off", async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const answering = (async (): Promise<void> => {
      using connection = await listener.accept();
      await connection.read(new Uint8Array(65_536));
      const head =
        "HTTP/1.1 200 OK\r\ncontent-type: application/connect+proto\r\ntransfer-encoding: chunked\r\n\r\n";
      await connection.write(new TextEncoder().encode(`${head}5\r\n\0\0\0\0\0\r\n`));
    })();
    const client = createRpcClient(FrontlineService, { baseUrl: `http://127.0.0.1:${listener.addr.port}` });
    const received: RouteState[] = [];
    const read = async (): Promise<void> => {
      for await (const each of client.watchRoutes({})) received.push(each);
    };
    assert.equal(await codeOf(read()), "unavailable");
    assert.equal(received.length, 1);
    await answering;
    listener.close();
  });
});
