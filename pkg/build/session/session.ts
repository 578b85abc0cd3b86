import { createServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Health, HealthCheckResponse_ServingStatus } from "../../../proto/gen/grpc/health/v1/health_pb.ts";
import { Secrets } from "../../../proto/gen/moby/buildkit/secrets/v1/secrets_pb.ts";
import { Auth } from "../../../proto/gen/moby/filesync/v1/auth_pb.ts";
import { Fault } from "../../fault/mod.ts";
import { newSecretToken } from "../../uid/mod.ts";
import type { BuildRequest } from "../builder.ts";
import type { Connection } from "../connection/connection.ts";
import type { ContextTree } from "../context/tree.ts";
import { DIFF_COPY, sendFolder, type SyncReport } from "./file_sync.ts";
import { Tunnel } from "./tunnel.ts";

/** Answers the questions of BuildKit during one build. */
export interface Session extends AsyncDisposable {
  readonly id: string;
}

export interface SessionOptions
  extends Pick<BuildRequest, "secrets" | "credentials" | "contextKey" | "signal"> {
  /** The folders of the build by the names that the frontend uses. */
  readonly folders: ReadonlyMap<string, ContextTree>;
  readonly onSynchronized?: (report: SyncReport) => void;
}

const CONTROL_SESSION = "/moby.buildkit.v1.Control/Session";
const UNARY = [
  `/${Auth.typeName}/${Auth.method.credentials.name}`,
  `/${Secrets.typeName}/${Secrets.method.getSecret.name}`,
];
const HEALTH = `/${Health.typeName}/${Health.method.check.name}`;
const UNIMPLEMENTED = "12";
/** The user name that Docker's credential helpers give to an identity token. */
const IDENTITY_TOKEN_USER = "<token>";

/**
 * Opens a session: registry credentials, build secrets and folders of one build, and nothing else. BuildKit takes what a session
 * has shown once as unchanged, so each build needs a session of its own.
 */
export async function openSession(connection: Connection, options: SessionOptions): Promise<Session> {
  const id = newSecretToken("session");
  const call = await connection.call(CONTROL_SESSION, {
    "content-type": "application/grpc",
    te: "trailers",
    "x-docker-expose-session-uuid": id,
    "x-docker-expose-session-name": "unkey",
    "x-docker-expose-session-sharedkey": options.contextKey,
    // Older versions do not call a method that is not named here, and take its subject for absent.
    "x-docker-expose-session-grpc-method": [DIFF_COPY, ...UNARY],
  });
  const tunnel = new Tunnel(call);
  // The end of a session is no error: the answer of the build says what became of it.
  tunnel.on("error", () => undefined);
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const server = createServer(answer({ ...options, signal }));
  server.on("sessionError", () => undefined);
  server.emit("connection", tunnel);
  return {
    id,
    async [Symbol.asyncDispose]() {
      stop.abort();
      const closed = Promise.withResolvers<void>();
      if (tunnel.closed) closed.resolve();
      tunnel.once("close", () => closed.resolve());
      tunnel.destroy();
      await closed.promise;
    },
  };
}

function answer(
  options: SessionOptions,
): (request: Http2ServerRequest, response: Http2ServerResponse) => void {
  const { folders, signal, onSynchronized } = options;
  const sync = { folders, signal, ...(onSynchronized === undefined ? {} : { onDone: onSynchronized }) };
  const rpc = connectNodeAdapter({
    connect: false,
    grpcWeb: false,
    routes: (router) => {
      router.service(Auth, { credentials: ({ host }) => withPublicReason(credentials(options, host)) });
      router.service(Secrets, { getSecret: ({ id }) => withPublicReason(secret(options, id)) });
      router.service(Health, { check: () => ({ status: HealthCheckResponse_ServingStatus.SERVING }) });
    },
  });
  return (request, response) => {
    const { url } = request;
    if (url === DIFF_COPY) void sendFolder(request, response, sync);
    else if (UNARY.includes(url) || url === HEALTH) rpc(request, response);
    else unimplemented(response);
  };
}

/** Passes the text of a failure that is meant for users on to BuildKit, which shows it as the reason of a failed build. */
async function withPublicReason<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof Fault) || error.publicMessage === undefined) throw error;
    throw new ConnectError(error.publicMessage, Code.FailedPrecondition, undefined, undefined, error);
  }
}

/** Empty for a registry without credentials: BuildKit asks anonymously then. */
async function credentials(options: SessionOptions, host: string) {
  const found = await options.credentials(host);
  if (found === undefined) return { username: "", secret: "" };
  // BuildKit takes a secret without a user for an identity token.
  const username = found.username === IDENTITY_TOKEN_USER ? "" : found.username;
  return { username, secret: found.password.reveal() };
}

async function secret({ secrets }: SessionOptions, id: string) {
  const data = await secrets(id);
  if (data === undefined) throw new ConnectError(`there is no secret "${id}"`, Code.NotFound);
  return { data: new Uint8Array(data) };
}

/** Newer versions ask for methods that are not offered, and take an answer without trailers for a broken session. */
function unimplemented(response: Http2ServerResponse): void {
  response.stream.respond(
    { ":status": 200, "content-type": "application/grpc", "grpc-status": UNIMPLEMENTED },
    { endStream: true },
  );
}
