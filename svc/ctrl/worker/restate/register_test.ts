import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { Secret } from "../../../../pkg/config/mod.ts";
import { createLogger } from "../../../../pkg/logger/mod.ts";
import { registerWorker } from "./register.ts";

interface Admin {
  readonly url: string;
  readonly seen: string[];
  readonly log: string[];
}

/** An admin API whose first `failures` registrations fail. */
async function onAdmin(
  options: { readonly failures: number; readonly status: number },
  test: (admin: Admin) => Promise<void>,
): Promise<void> {
  const seen: string[] = [];
  const log: string[] = [];
  let left = options.failures;
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => undefined },
    async (request) => {
      const { pathname } = new URL(request.url);
      seen.push(
        `${request.method} ${pathname} ${request.headers.get("authorization")} ${await request.text()}`,
      );
      if (request.method === "POST" && left-- > 0) {
        return Response.json({ message: "no" }, {
          status: options.status,
        });
      }
      return Response.json({ id: "dp_own", services: [] }, { status: 201 });
    },
  );
  try {
    await test({ url: `http://127.0.0.1:${server.addr.port}`, seen, log });
  } finally {
    await server.shutdown();
  }
}

function register({ url, log }: Admin, signal = new AbortController().signal): Promise<void> {
  const logger = createLogger({ service: "test", level: "info", write: (line) => log.push(line) });
  const uri = "http://127.0.0.1:9080";
  return registerWorker(
    { adminUrl: url, apiKey: new Secret("s3cret"), uri, clock: systemClock(), log: logger },
    signal,
  );
}

Deno.test("registering goes on until it works, with credentials, and replaces the former registration", () =>
  onAdmin({ failures: 2, status: 500 }, async (admin) => {
    await register(admin);
    const posts = admin.seen.filter((each) => each.startsWith("POST"));
    assert.equal(posts.length, 3);
    assert.equal(
      posts[0],
      'POST /deployments Bearer s3cret {"uri":"http://127.0.0.1:9080/journal/1","force":true}',
    );
    assert.equal(admin.log.filter((line) => line.includes("cannot register")).length, 2);
    assert.ok(admin.log.some((line) => line.includes("--restate-register-as")));
    assert.ok(!admin.log.some((line) => line.includes("s3cret")));
  }));

Deno.test("refused credentials are named in the log", () =>
  onAdmin({ failures: 1, status: 401 }, async (admin) => {
    await register(admin);
    assert.ok(admin.log.some((line) => line.includes("UNKEY_RESTATE_API_KEY")));
  }));

Deno.test("registering ends when the process stops", () =>
  onAdmin({ failures: 1_000, status: 500 }, async (admin) => {
    const stop = new AbortController();
    const registering = register(admin, stop.signal);
    stop.abort(new Error("stopping"));
    await assert.rejects(registering);
  }));
