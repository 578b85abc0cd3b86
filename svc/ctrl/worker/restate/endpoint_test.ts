import assert from "node:assert/strict";
import { service } from "@restatedev/restate-sdk/fetch";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { StepActivity } from "../../../../pkg/durable/mod.ts";
import { createLogger } from "../../../../pkg/logger/mod.ts";
import { serveEndpoint } from "./endpoint.ts";

const KEY = "publickeyv1_8EUza3vceooVp3tukTyJTGKS4YTNQ2UKiJoRDC1U7Zfj";

interface Served {
  readonly url: string;
  readonly log: readonly string[];
}

async function onEndpoint(
  identityKeys: readonly string[],
  test: (served: Served) => Promise<void>,
): Promise<void> {
  const log: string[] = [];
  const echo = service({
    name: "test.Echo",
    handlers: { say: (_ctx, text: string) => Promise.resolve(text) },
  });
  const endpoint = await serveEndpoint({
    services: [echo],
    hostname: "127.0.0.1",
    port: 0,
    portSetting: "--port",
    identityKeys,
    identitySetting: "--keys",
    restateNow: () => systemClock().now(),
    activity: new StepActivity(),
    clock: systemClock(),
    log: createLogger({ service: "test", level: "info", write: (line) => log.push(line) }),
  });
  try {
    await test({ url: `http://127.0.0.1:${endpoint.port}`, log });
  } finally {
    await endpoint.shutdown();
  }
}

async function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/vnd.restate.invocation.v5", ...headers },
    body: "x",
  });
  await response.body?.cancel();
  return response.status;
}

/** A container that reaches the port would otherwise promote, build and compact with inputs of its choice. */
Deno.test("requests that Restate did not sign are refused, and counted in the log instead of one line each", () =>
  onEndpoint([KEY], async ({ url, log }) => {
    // Names the right key, without having it.
    const jwt = (kid: string): string =>
      [{ typ: "JWT", alg: "EdDSA", kid }, { aud: "/invoke/test.Echo/say", exp: 2 ** 40, nbf: 0 }, "signature"]
        .map((part) => new TextEncoder().encode(JSON.stringify(part)))
        .map((bytes) => bytes.toBase64({ alphabet: "base64url", omitPadding: true })).join(".");
    const forged = { "x-restate-signature-scheme": "v1", "x-restate-jwt-v1": jwt(KEY) };
    const none = { "x-restate-signature-scheme": "unsigned" };
    for (const headers of [{}, none, forged]) {
      assert.equal(await ask(`${url}/invoke/test.Echo/say`, headers), 401);
      assert.equal(await ask(`${url}/discover`, headers), 401);
      assert.equal(await ask(`${url}/invoke/test.Echo/health`, headers), 401);
    }
    assert.equal(await ask(`${url}/health`), 200);
    const refused = log.filter((line) => line.includes("not signed by Restate"));
    assert.deepEqual([refused.length, log.length], [1, 1], log.join("\n"));
    assert.match(refused[0] ?? "", /private key of one in --keys/);
  }));

Deno.test("without keys, every request is accepted", () =>
  onEndpoint([], async ({ url }) => assert.equal(await ask(`${url}/invoke/test.Echo/say`), 200)));

Deno.test("a key that is none is named with its setting", async () => {
  await assert.rejects(onEndpoint(["publickeyv1_zz"], () => Promise.resolve()), {
    code: "failed_precondition",
    publicMessage: /A key of --keys cannot be used: .*32/,
  });
});

/** Replayed with another order of steps, a run would end for good. */
Deno.test("runs that began with a newer release wait for it, and older ones go on", () =>
  onEndpoint([], async ({ url, log }) => {
    const statuses: number[] = [];
    for (const journal of ["", "/journal/1", "/prefix/journal/1", "/journal/999", "/prefix/journal/999"]) {
      statuses.push(await ask(`${url}${journal}/invoke/test.Echo/say`));
    }
    assert.deepEqual(statuses, [200, 200, 200, 503, 503]);
    assert.equal(log.filter((line) => line.includes("wait for a newer release")).length, 1);
  }));
