import assert from "node:assert/strict";
import { systemClock } from "../clock/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import { FrontlineService, type RouteState } from "../../proto/gen/ctrl/v1/frontline_pb.ts";
import { createRpcClient, serveRpc } from "./mod.ts";

const MESSAGES = 2_000;
const DEADLINE_MS = 10_000;

/** Long streams outlive garbage collections, after which an abort was lost: nothing that watches could be stopped. */
Deno.test("a stream ends when its signal aborts, also after thousands of messages", async () => {
  const server = serveRpc({
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
