import assert from "node:assert/strict";
import { checkPorts, keepPorts } from "./ports.ts";
import { freePort } from "../../pkg/testkit/ports.ts";

Deno.test("every taken port is named with its part and its flag, in one message", () => {
  using api = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using edge = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  assert.throws(
    () =>
      checkPorts([
        { part: "the api", port: api.addr.port, flag: "api-port" },
        { part: "the edge", port: edge.addr.port, flag: "edge-port" },
      ]),
    {
      code: "failed_precondition",
      publicMessage:
        `Port ${api.addr.port}, which the api needs, is taken. Choose another with --api-port <port>.\n` +
        `Port ${edge.addr.port}, which the edge needs, is taken. Choose another with --edge-port <port>.`,
    },
  );
});

Deno.test("one port for two parts is refused, free ports are not", () => {
  const port = freePort();
  assert.throws(
    () =>
      checkPorts([
        { part: "the api", port, flag: "api-port" },
        { part: "the edge", port, flag: "edge-port" },
      ]),
    { publicMessage: `Port ${port} is asked for twice: the api and the edge. Change it with --edge-port.` },
  );
  checkPorts([{ part: "the api", port, flag: "api-port" }, { part: "the edge", port: 0, flag: "edge-port" }]);
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
