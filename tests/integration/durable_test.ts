/** The durable adapter on a real Restate server: what callers see of failures, and what they must never see. */
import assert from "node:assert/strict";
import { createEndpointHandler, iface, implement } from "@restatedev/restate-sdk/fetch";
import { systemClock } from "../../pkg/clock/mod.ts";
import { type Durable, runService } from "../../pkg/durable/mod.ts";
import { Fault, publicFault } from "../../pkg/fault/mod.ts";
import { createLogger } from "../../pkg/logger/mod.ts";
import { restatePart } from "../testbed/restate.ts";
import { freePort } from "../testbed/wait.ts";

const SECRET = "password of the database";
const FAST = { attemptsMax: 3, firstMs: 5, maxMs: 10 };

/** Each way to fail, and how often its step ran. */
const runs = new Map<string, number>();
const step = (durable: Durable, name: string, error: () => Error): Promise<string> =>
  durable.run(name, () => {
    runs.set(name, (runs.get(name) ?? 0) + 1);
    return Promise.reject(error());
  }, FAST);

const WAYS: Readonly<Record<string, (durable: Durable) => Promise<string>>> = {
  final: (durable) => step(durable, "final", () => publicFault("failed_precondition", "Not now.")),
  transient: (durable) => step(durable, "transient", () => new Fault("unavailable", SECRET)),
  broken: (durable) => step(durable, "broken", () => new TypeError(SECRET)),
  bug: () => Promise.reject(new TypeError(SECRET)),
  healed: (durable) =>
    durable.run("healed", () => {
      runs.set("healed", (runs.get("healed") ?? 0) + 1);
      return runs.get("healed") === 3 ? Promise.resolve("well") : Promise.reject(new Error(SECRET));
    }, FAST),
};

const TABLE: readonly { way: string; status: number; fault?: string; message: RegExp; runs: number }[] = [
  { way: "final", status: 412, fault: "failed_precondition", message: /^Not now\.$/, runs: 1 },
  { way: "transient", status: 503, fault: "unavailable", message: /Try again/, runs: 3 },
  { way: "broken", status: 503, fault: "unavailable", message: /Try again/, runs: 3 },
  { way: "bug", status: 500, fault: "internal", message: /inside the platform/, runs: 0 },
  { way: "healed", status: 200, message: /well/, runs: 3 },
];

Deno.test("failures end bounded, with their code, and without internal texts", async (t) => {
  const directory = await Deno.makeTempDir({ prefix: "unkey-durable-" });
  const ports = { ingress: freePort(), admin: freePort(), node: freePort() };
  const restate = await restatePart(directory, ports);
  const lines: string[] = [];
  const log = createLogger({ service: "test", level: "info", write: (line) => lines.push(line) });
  const contract = iface.service("test.Ways", { go: iface.json<string, string>() });
  const service = implement(contract, {
    handlers: {
      go: (ctx, way) =>
        runService(
          ctx,
          { clock: systemClock(), log },
          (durable) => WAYS[way]?.(durable) ?? Promise.resolve("none"),
        ),
    },
  });
  const handler = createEndpointHandler({
    services: [service],
    bidirectional: true,
    logger: () => undefined,
  });
  const cut = new AbortController();
  const endpoint = Deno.serve(
    { port: 0, hostname: "127.0.0.1", signal: cut.signal, onListen: () => undefined },
    (request) => handler(request),
  );
  const post = (url: string, body: unknown): Promise<Response> =>
    fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  try {
    await restate.start();
    const registered = await post(`http://127.0.0.1:${ports.admin}/deployments`, {
      uri: `http://127.0.0.1:${endpoint.addr.port}`,
    });
    assert.ok(registered.ok, await registered.text());
    for (const { way, status, fault, message, runs: count } of TABLE) {
      await t.step(way, async () => {
        const answer = await post(`http://127.0.0.1:${ports.ingress}/test.Ways/go`, way);
        const text = await answer.text();
        assert.equal(answer.status, status, text);
        assert.ok(!text.includes(SECRET), text);
        const parsed = JSON.parse(text);
        assert.match(typeof parsed === "string" ? parsed : parsed.message, message);
        assert.equal(parsed.metadata?.fault, fault);
        assert.equal(runs.get(way) ?? 0, count);
      });
    }
    // The operator finds there what the user does not see.
    assert.ok(lines.some((line) => line.includes("step failed for good") && line.includes(SECRET)));
  } finally {
    await restate.kill("SIGKILL");
    cut.abort();
    await endpoint.finished;
    await Deno.remove(directory, { recursive: true });
  }
});
