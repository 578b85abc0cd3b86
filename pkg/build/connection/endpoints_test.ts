import assert from "node:assert/strict";
import { createServer as createHttp2 } from "node:http2";
import { createServer, type Server, type Socket } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { SolveResponseSchema } from "../../../proto/gen/moby/buildkit/v1/control_pb.ts";
import { isFault } from "../../fault/mod.ts";
import { frame, until } from "../session/testing.ts";
import type { Endpoint } from "./connection.ts";
import { daemonAddress, daemonEndpoint } from "./daemon.ts";
import { engineEndpoint } from "./engine.ts";

const { signal } = new AbortController();

Deno.test("daemonAddress() reads TCP addresses and unix sockets", async (t) => {
  const tcp = (hostname: string, port: number, tls = false) => ({ kind: "tcp", hostname, port, tls });
  const table:
    readonly (readonly [string, ReturnType<typeof tcp> | { kind: "unix"; path: string } | undefined])[] = [
      ["tcp://buildkitd:1234", tcp("buildkitd", 1234)],
      ["tcp://buildkitd", tcp("buildkitd", 1234)],
      ["tcp://buildkitd:80/", tcp("buildkitd", 80)],
      ["http://buildkitd:443", tcp("buildkitd", 443)],
      ["https://buildkitd:8443", tcp("buildkitd", 8443, true)],
      ["tcp://10.0.0.5:1234", tcp("10.0.0.5", 1234)],
      ["tcp://[::1]:1234", tcp("::1", 1234)],
      ["unix:///run/buildkit/buildkitd.sock", { kind: "unix", path: "/run/buildkit/buildkitd.sock" }],
      ["unix://run/a", undefined],
      ["unix://", undefined],
      ["buildkitd:1234", undefined],
      ["tcp://", undefined],
      ["tcp://user@buildkitd:1234", undefined],
      ["tcp://buildkitd:1234/path", undefined],
      ["tcp://buildkitd:99999", undefined],
      ["tcp://build kitd", undefined],
      ["ssh://buildkitd", undefined],
      ["", undefined],
    ];
  for (const [url, expected] of table) {
    await t.step(JSON.stringify(url), () => {
      if (expected !== undefined) return assert.deepEqual(daemonAddress(url), expected);
      assert.throws(() => daemonAddress(url), (error) => isFault(error, "invalid_argument"));
    });
  }
});

/** A server that does this with each connection, on a free port. */
async function withServer(
  onSocket: (socket: Socket) => void,
  test: (port: number) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  try {
    await test(address.port);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

const ANSWER = { exporterResponse: { "containerimage.digest": "sha256:1" } };
const UPGRADED = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";

/** The engine's answer and the first frames behind it may come in any pieces. */
Deno.test("engineEndpoint() upgrades however the answer comes", async (t) => {
  for (const pieces of [[UPGRADED], [...UPGRADED], [UPGRADED.slice(0, 20), UPGRADED.slice(20)]]) {
    await t.step(`${pieces.length} pieces`, () => {
      const http2 = createHttp2((_request, response) => {
        response.writeHead(200, { "content-type": "application/grpc" });
        response.write(frame(toBinary(SolveResponseSchema, create(SolveResponseSchema, ANSWER))));
        response.addTrailers({ "grpc-status": "0" });
        response.end();
      });
      http2.on("sessionError", () => undefined);
      let asked = "";
      return withServer((socket) => {
        const take = (chunk: Uint8Array): void => {
          asked += new TextDecoder().decode(chunk);
          if (!asked.includes("\r\n\r\n")) return;
          socket.off("data", take);
          // The settings of HTTP/2 come at once behind the last piece.
          for (const piece of pieces) socket.write(piece);
          http2.emit("connection", socket);
        };
        socket.on("data", take);
      }, async (port) => {
        const connection = await engineEndpoint(`tcp://127.0.0.1:${port}`).connect(signal);
        try {
          assert.deepEqual((await connection.control.solve({})).exporterResponse, ANSWER.exporterResponse);
          assert.match(asked, /^POST \/grpc HTTP\/1\.1\r\n/);
        } finally {
          connection.close();
        }
      });
    });
  }
});

/** Answers each request as an engine does that upgrades, notes it, and gives the connection. */
function upgrading(heads: string[], onUpgraded: (socket: Socket) => void): (socket: Socket) => void {
  return (socket) => {
    let asked = "";
    const take = (chunk: Uint8Array): void => {
      asked += new TextDecoder().decode(chunk);
      if (!asked.includes("\r\n\r\n")) return;
      socket.off("data", take);
      heads.push(asked);
      socket.write(UPGRADED);
      onUpgraded(socket);
    };
    socket.on("data", take);
  };
}

Deno.test("a session of an engine has a connection of its own, which its fields describe", () => {
  const heads: string[] = [];
  return withServer(upgrading(heads, (socket) => socket.write("behind the head")), async (port) => {
    const connection = await engineEndpoint(`tcp://127.0.0.1:${port}`).connect(signal);
    const session = await connection.session({ "x-name": "one", "x-method": ["/a/B", "/c/D"] }, signal);
    try {
      let text = "";
      session.on("data", (chunk: Uint8Array) => text += new TextDecoder().decode(chunk));
      session.resume();
      await until(() => text === "behind the head");
      const [, head = ""] = heads;
      assert.deepEqual(head.split("\r\n").toSorted(), [
        "",
        "",
        "Connection: Upgrade",
        "Host: docker",
        "POST /session HTTP/1.1",
        "Upgrade: h2c",
        "x-method: /a/B",
        "x-method: /c/D",
        "x-name: one",
      ]);
      await assert.rejects(connection.session({ "x-name": "one\r\nx-other: two" }, signal), /x-name/);
    } finally {
      session.destroy();
      connection.close();
    }
  });
});

Deno.test("an endpoint that does not answer as it should is unavailable", async (t) => {
  const refused = (socket: Socket): void => void socket.end("HTTP/1.1 404 Not Found\r\n\r\n");
  const closed = (socket: Socket): void => void socket.destroy();
  const endless = (socket: Socket): void => void socket.write("x".repeat(20_000));
  const engine = (port: number): Endpoint => engineEndpoint(`tcp://127.0.0.1:${port}`);
  const tls = (port: number): Endpoint => daemonEndpoint(`https://127.0.0.1:${port}`);
  const table: readonly (readonly [string, (port: number) => Endpoint, (socket: Socket) => void])[] = [
    ["an engine without BuildKit", engine, refused],
    ["an engine that closes", engine, closed],
    ["an engine that answers without end", engine, endless],
    ["a daemon without TLS", tls, endless],
    ["a daemon that closes", tls, closed],
  ];
  for (const [name, endpoint, onSocket] of table) {
    await t.step(name, () =>
      withServer(onSocket, async (port) => {
        await assert.rejects(endpoint(port).connect(signal), (error) => isFault(error, "unavailable"));
      }));
  }
  await t.step("nothing listens", async () => {
    for (const endpoint of [engineEndpoint("tcp://127.0.0.1:1"), daemonEndpoint("tcp://127.0.0.1:1")]) {
      await assert.rejects(endpoint.connect(signal), (error) => isFault(error, "unavailable"));
    }
    for (const endpoint of [engineEndpoint("unix:///nonexistent"), daemonEndpoint("unix:///nonexistent")]) {
      await assert.rejects(endpoint.connect(signal), (error) => isFault(error, "unavailable"));
    }
  });
});

Deno.test("a connection that is waited for ends with the signal", async (t) => {
  for (const kind of ["engine", "daemon"] as const) {
    await t.step(kind, () =>
      withServer(() => undefined, async (port) => {
        const stop = new AbortController();
        const endpoint = kind === "engine"
          ? engineEndpoint(`tcp://127.0.0.1:${port}`)
          : daemonEndpoint(`https://127.0.0.1:${port}`);
        const connecting = endpoint.connect(stop.signal);
        stop.abort(new Error("stopped"));
        await assert.rejects(connecting, /stopped/);
        await assert.rejects(endpoint.connect(stop.signal), /stopped/);
      }));
  }
});
