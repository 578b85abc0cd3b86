import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import { connect, type Socket } from "node:net";
import { create } from "@bufbuild/protobuf";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { Registry } from "../registry/mod.ts";
import { newSecretToken } from "../uid/mod.ts";
import { Health, HealthCheckResponse_ServingStatus } from "../../proto/gen/grpc/health/v1/health_pb.ts";
import { type BytesMessage, BytesMessageSchema } from "../../proto/gen/moby/buildkit/v1/control_pb.ts";
import { Auth } from "../../proto/gen/moby/filesync/v1/auth_pb.ts";
import type { Daemon } from "./daemon.ts";

/** Answers the daemon's questions during one build. */
export interface Session extends AsyncDisposable {
  readonly id: string;
  /** Ends when the daemon ends the session, which no build outlives for long. */
  readonly ended: Promise<void>;
}

/** What a registry's host asks under when it is Docker's own. */
const HUB_ALIASES = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/**
 * Opens a session that hands out the credentials of `registry`, and those of no other host.
 *
 * The daemon is the client on an HTTP/2 connection that runs inside the call, so what it sends is passed on to a server of
 * this process, on a socket that only this user can reach.
 */
export async function openSession(daemon: Daemon, registry: Registry): Promise<Session> {
  await using opened = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "unkey-session-" });
  opened.defer(() => Deno.remove(folder, { recursive: true }));
  const path = `${folder}/socket`;
  const server = await listen(path, registry);
  opened.defer(() => server.close());
  const socket = connect(path);
  const stop = new AbortController();
  const id = newSecretToken("session");
  const answers = daemon.control.session(chunks(socket), {
    signal: stop.signal,
    headers: {
      "x-docker-expose-session-uuid": id,
      "x-docker-expose-session-name": "unkey",
      "x-docker-expose-session-grpc-method": `/${Auth.typeName}/${Auth.method.credentials.name}`,
    },
  });
  const ended = pump(answers, socket);
  opened.defer(async () => {
    stop.abort();
    socket.destroy();
    await ended;
  });
  const all = opened.move();
  return { id, ended, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

async function listen(path: string, registry: Registry): Promise<{ close(): Promise<void> }> {
  const server: Http2Server = createServer(connectNodeAdapter({
    connect: false,
    grpcWeb: false,
    routes: (router) => {
      router.service(Auth, { credentials: ({ host }) => credentials(host, registry) });
      router.service(Health, { check: () => ({ status: HealthCheckResponse_ServingStatus.SERVING }) });
    },
  }));
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => void sessions.add(session));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => resolve());
  });
  return {
    async close() {
      for (const session of sessions) session.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Empty for every host but the registry's: then the daemon asks as nobody. */
function credentials(
  host: string,
  { name, credentials }: Registry,
): { readonly username: string; readonly secret: string } {
  const own = name.split("/")[0] ?? "";
  const same = own === host || (HUB_ALIASES.includes(own) && HUB_ALIASES.includes(host));
  if (credentials === undefined || !same) return { username: "", secret: "" };
  return { username: credentials.username, secret: credentials.password.reveal() };
}

async function* chunks(socket: Socket): AsyncGenerator<BytesMessage> {
  for await (const data of socket) yield bytesMessage(data);
}

function bytesMessage(data: Uint8Array): BytesMessage {
  return create(BytesMessageSchema, { data: new Uint8Array(data) });
}

/** The end of a session is no error: the build's own answer says what became of it. */
async function pump(answers: AsyncIterable<{ readonly data: Uint8Array }>, socket: Socket): Promise<void> {
  try {
    for await (const { data } of answers) {
      if (!socket.write(data)) await writable(socket);
    }
  } catch {
    // Cancelled by us, or lost with the daemon.
  } finally {
    socket.destroy();
  }
}

function writable(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("drain", () => resolve());
    socket.once("close", () => resolve());
  });
}
