/**
 * Holds the reason why watches are our own (`docs/decisions/0002-fetch-client-for-kubernetes-and-docker.md`). When these
 * tests fail, Deno has been mended: look at the decision again.
 */
import assert from "node:assert/strict";
import { isReadable } from "node:stream";
import { isFault } from "../fault/mod.ts";
import { openCluster, PODS, watchObjects } from "./mod.ts";

const LIMIT_MS = 60_000;
/** On Node the library reports a lost connection within milliseconds. */
const QUIET_MS = 2_000;

/** Answers each request with one event of a watch that does not end, until the connections are cut. */
class WatchServer implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open: Deno.Conn[] = [];
  readonly #done = this.#accept();

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  cut(): void {
    for (const connection of this.#open.splice(0)) connection.close();
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.#open.push(connection);
      await connection.read(new Uint8Array(65_536));
      const event = JSON.stringify({ type: "ADDED", object: { metadata: { name: "a" } } }) + "\n";
      const chunk = `${event.length.toString(16)}\r\n${event}\r\n`;
      const head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
      await connection.write(new TextEncoder().encode(head + chunk));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#listener.close();
    await this.#done;
  }
}

Deno.test({
  name: "the library's watch does not report a lost connection on this Deno, and our watch does",
  // The library keeps the body that never ends.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const { KubeConfig, Watch } = await import("@kubernetes/client-node");
    await using server = new WatchServer();
    const config = new KubeConfig();
    config.loadFromClusterAndUser({ name: "k", server: server.url, skipTLSVerify: true }, { name: "u" });
    const received = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<string>();
    const request = await new Watch(config).watch("/api/v1/pods", {}, () => received.resolve(), (error) => {
      ended.resolve(`ended: ${error}`);
    });
    await received.promise;

    const cluster = openCluster({
      namespace: "default",
      server: server.url,
      credentials: () => Promise.resolve({ headers: [] }),
      refused: () => undefined,
    });
    try {
      const from = { resourceVersion: "1", signal: AbortSignal.timeout(LIMIT_MS) };
      const events = watchObjects(cluster, PODS, { labels: {} }, from);
      assert.equal((await events.next()).value?.kind, "changed");
      server.cut();
      await assert.rejects(events.next(), (error) => isFault(error, "unavailable"));
    } finally {
      cluster.close();
    }
    const quiet = Promise.withResolvers<string>();
    const timer = setTimeout(() => quiet.resolve("nothing"), QUIET_MS);
    assert.equal(await Promise.race([ended.promise, quiet.promise]), "nothing");
    clearTimeout(timer);
    request.abort();
  },
});

/** `undici` errors the body of an answer only when `isReadable` says that it is readable; Node says `true`. */
Deno.test("the cause is that isReadable() does not know web streams on this Deno", () => {
  assert.equal(Reflect.apply(isReadable, undefined, [new ReadableStream()]), null);
});
