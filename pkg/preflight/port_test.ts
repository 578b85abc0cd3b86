import assert from "node:assert/strict";
import { freePort } from "../testkit/ports.ts";
import { portProbe } from "./mod.ts";

const { signal } = new AbortController();
const setting = "--here (UNKEY_HERE)";

Deno.test("a port is free, has an unkey, has another program, or is not of this machine", async (t) => {
  const look = (port: number, host = "127.0.0.1") =>
    portProbe({ subject: "port", host, port, setting }).ask(signal);
  await t.step("free, and free afterwards", async () => {
    const port = freePort();
    for (const _ of [1, 2]) assert.equal((await look(port)).outcome, "ok");
    assert.equal((await look(0)).outcome, "ok");
  });
  const serve = (handler: (request: Request) => Response) =>
    Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, handler);
  await t.step("an unkey that a new process replaces", async () => {
    await using server = serve(({ url }) =>
      new Response("", { status: new URL(url).pathname === "/health/live" ? 200 : 404 })
    );
    const { outcome, text } = await look(server.addr.port);
    assert.deepEqual([outcome, /has an unkey process/.test(text)], ["warning", true]);
  });
  await t.step("another program", async () => {
    await using server = serve(() => new Response("", { status: 404 }));
    const { outcome, advice } = await look(server.addr.port);
    assert.deepEqual([outcome, advice?.includes(setting)], ["failed", true]);
  });
  await t.step("an address of another machine", () => assert.rejects(look(freePort(), "192.0.2.1")));
});
