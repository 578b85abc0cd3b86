import assert from "node:assert/strict";
import { checkPorts, keepPorts, settledPort } from "./ports.ts";
import { freePort } from "../../pkg/testkit/ports.ts";

Deno.test("every taken port is named with its part, its process and its flag, in one message", async () => {
  using api = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using edge = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const chosen = [
    { part: "the api", port: api.addr.port, flag: "api-port" },
    { part: "the edge", port: edge.addr.port, flag: "edge-port" },
  ];
  await assert.rejects(checkPorts(chosen), (error: Error) => {
    const by = Deno.build.os === "linux" ? ` by \\S+ \\(process ${Deno.pid}\\)` : "";
    for (const { part, port, flag } of chosen) {
      const text =
        `Port ${port}, which ${part} needs, is taken${by}\\. Choose another with --${flag} <port>\\.`;
      assert.match(error.message, new RegExp(text));
    }
    return true;
  });
});

Deno.test("one port for two parts is refused, free ports are not", async () => {
  const port = freePort();
  await assert.rejects(
    checkPorts([
      { part: "the api", port, flag: "api-port" },
      { part: "the edge", port, flag: "edge-port" },
    ]),
    { publicMessage: `Port ${port} is asked for twice: the api and the edge. Change it with --edge-port.` },
  );
  await checkPorts([
    { part: "the api", port, flag: "api-port" },
    { part: "the edge", port: 0, host: "0.0.0.0", flag: "edge-port" },
  ]);
});

/** Clients refuse to call port 0. */
Deno.test("port 0 is settled to a free port, and any other one stays", () => {
  const port = settledPort(0);
  assert.ok(port > 0);
  Deno.listen({ hostname: "127.0.0.1", port }).close();
  assert.equal(settledPort(7091), 7091);
});

Deno.test("kept ports stay, except one that another process has", () => {
  const first = keepPorts(undefined);
  assert.equal(new Set(Object.values(first)).size, 3, "all differ");
  assert.deepEqual(keepPorts(first), first);
  using _other = Deno.listen({ hostname: "127.0.0.1", port: first.workerHealth });
  const { workerHealth, ...rest } = keepPorts(first);
  assert.notEqual(workerHealth, first.workerHealth);
  const { workerHealth: _taken, ...kept } = first;
  assert.deepEqual(rest, kept);
});
