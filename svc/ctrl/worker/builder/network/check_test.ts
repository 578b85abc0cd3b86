import assert from "node:assert/strict";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import type { Endpoint } from "../../../../../pkg/build/mod.ts";
import { isFault } from "../../../../../pkg/fault/mod.ts";
import { silentLogger } from "../../../../../pkg/logger/mod.ts";
import { Control } from "../../../../../proto/gen/moby/buildkit/v1/control_pb.ts";
import { checkBuilderNetwork } from "./check.ts";

const REFUSED = 'Get "http://x/": dial tcp 127.0.0.1:1: connect: connection refused';
const METADATA = "http://169.254.169.254/";
const VERSION = { version: "v0.34.0" };

/** A BuildKit that answers a download of `url` with `answers`' error, or with success for "". */
interface Shape {
  readonly answerOf: (url: string) => string;
  /** The download shows in the progress. */
  readonly begins?: boolean;
  readonly old?: boolean;
}

function builder({ answerOf, begins = true, old = false }: Shape): Endpoint {
  const transport = createRouterTransport(({ service }) => {
    service(Control, {
      listWorkers: () => ({ record: [old ? {} : { buildkitVersion: VERSION }] }),
      async *status() {
        if (begins) yield { vertexes: [{ started: { seconds: 1n } }] };
      },
      async solve({ definition }, { signal }) {
        const source = new TextDecoder().decode(definition?.def[0]);
        const error = answerOf(source.slice(source.indexOf("http")));
        if (error === "no answer") {
          await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        }
        if (error !== "") throw new ConnectError(`failed to load cache key: ${error}`, Code.Unknown);
        return {};
      },
    });
  });
  const control = createClient(Control, transport);
  const session = () => Promise.reject(new Error("no session is needed"));
  return {
    name: "tcp://buildkitd:1234",
    connect: () => Promise.resolve({ control, session, close: () => undefined }),
  };
}

function check(shape: Shape, others: readonly string[] = []): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  return checkBuilderNetwork(builder(shape), { others, log: silentLogger(), signal });
}

function refusal(pattern: RegExp): (error: unknown) => boolean {
  return (error) => isFault(error, "failed_precondition") && pattern.test(error.publicMessage ?? "");
}

Deno.test("the metadata service is reached when something answers for its address", async (t) => {
  const table: readonly [answer: string, reached: boolean][] = [
    ["", true],
    ["invalid response status 401", true],
    ['Get "http://169.254.169.254/": net/http: HTTP/1.x transport connection broken', true],
    ['Get "http://169.254.169.254/": EOF', true],
    ['Get "http://169.254.169.254/": dial tcp 169.254.169.254:80: connect: connection refused', false],
    ['Get "http://169.254.169.254/": dial tcp 169.254.169.254:80: connect: no route to host', false],
    ['Get "http://169.254.169.254/": dial tcp 169.254.169.254:80: i/o timeout', false],
    ["no answer", false],
  ];
  for (const [answer, reached] of table) {
    await t.step(answer === "" ? "a file" : answer, async () => {
      const checking = check({ answerOf: (url) => url === METADATA ? answer : REFUSED });
      if (!reached) return await checking;
      await assert.rejects(checking, refusal(/reaches .*: 169\.254\.169\.254 \(the metadata service\)\. /));
    });
  }
});

Deno.test("a service of the platform must not be reached where it is at a private address", async () => {
  const answerOf = (url: string): string => url.includes(":9070") ? "invalid response status 404" : REFUSED;
  await assert.rejects(check({ answerOf }, ["http://127.0.0.1:9070"]), refusal(/: 127\.0\.0\.1:9070\. /));
  await check({ answerOf }, ["http://8.8.8.8:9070", "http://no-such-host.invalid:9070"]);
});

Deno.test("a builder that does not try to download proves nothing", async () => {
  const checking = check({ answerOf: () => "no worker found", begins: false });
  await assert.rejects(checking, (error) => isFault(error, "unavailable"));
});

Deno.test("a BuildKit without rules about sources is refused", async () => {
  const text = /too old.*BuildKit 0\.11 or newer.*--build-network \(UNKEY_BUILD_NETWORK\)/;
  await assert.rejects(check({ answerOf: () => REFUSED, old: true }), refusal(text));
});
