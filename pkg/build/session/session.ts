import { Code, ConnectError, createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { Health, HealthCheckResponse_ServingStatus } from "../../../proto/gen/grpc/health/v1/health_pb.ts";
import { Secrets } from "../../../proto/gen/moby/buildkit/secrets/v1/secrets_pb.ts";
import { Auth } from "../../../proto/gen/moby/filesync/v1/auth_pb.ts";
import { Fault } from "../../fault/mod.ts";
import { type Block, Http2Connection, type Http2Limits, type Stream } from "../../http2/mod.ts";
import { newSecretToken } from "../../uid/mod.ts";
import type { BuildRequest } from "../builder.ts";
import type { Connection } from "../connection/connection.ts";
import type { ContextTree } from "../context/tree.ts";
import { DIFF_COPY, sendFolder, type SyncReport } from "./file_sync.ts";
import { UnaryCall } from "./unary.ts";

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

const UNARY = [
  `/${Auth.typeName}/${Auth.method.credentials.name}`,
  `/${Secrets.typeName}/${Secrets.method.getSecret.name}`,
];
const UNIMPLEMENTED = "12";
/** The user name that Docker's credential helpers give to an identity token. */
const IDENTITY_TOKEN_USER = "<token>";
const LIMITS: Http2Limits = {
  streamsMax: 100,
  // The frontend asks for each path of a Dockerfile with a field.
  headBytesMax: 1024 * 1024,
  streamWindowBytes: 256 * 1024,
  connectionWindowBytes: 1024 * 1024,
};

/**
 * Opens a session: registry credentials, build secrets and folders of one build, and nothing else. BuildKit takes what a session
 * has shown once as unchanged, so each build needs a session of its own.
 */
export async function openSession(connection: Connection, options: SessionOptions): Promise<Session> {
  const id = newSecretToken("session");
  const fields = {
    "x-docker-expose-session-uuid": id,
    "x-docker-expose-session-name": "unkey",
    "x-docker-expose-session-sharedkey": options.contextKey,
    // Older versions do not call a method that is not named here, and take its subject for absent.
    "x-docker-expose-session-grpc-method": [DIFF_COPY, ...UNARY],
  };
  const bytes = await connection.session(fields, options.signal);
  // The end of a session is no error: the answer of the build says what became of it.
  bytes.on("error", () => undefined);
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  new Http2Connection({
    socket: bytes,
    limits: LIMITS,
    nowMs: () => performance.now(),
    accept: answer({ ...options, signal }),
    closed: () => undefined,
  });
  bytes.resume();
  return {
    id,
    async [Symbol.asyncDispose]() {
      stop.abort();
      const closed = Promise.withResolvers<void>();
      if (bytes.closed) closed.resolve();
      bytes.once("close", () => closed.resolve());
      bytes.destroy();
      await closed.promise;
    },
  };
}

/** Takes each call of BuildKit. */
function answer(options: SessionOptions): (stream: Stream, block: Block, end: boolean) => void {
  const { folders, signal, onSynchronized } = options;
  const sync = { folders, signal, ...(onSynchronized === undefined ? {} : { onDone: onSynchronized }) };
  const unary = unaryHandlers(options);
  return (stream, { fields, tooLarge }, end) => {
    const path = fields.find(({ name }) => name === ":path")?.value ?? "";
    const handler = unary.get(path);
    if (!tooLarge && path === DIFF_COPY) return void sendFolder(stream, fields, sync);
    if (tooLarge || handler === undefined) return unimplemented(stream);
    const call = new UnaryCall(stream, handler, fields, signal);
    stream.handler = call;
    if (end) call.ended();
  };
}

function unaryHandlers(options: SessionOptions): ReadonlyMap<string, UniversalHandler> {
  const router = createConnectRouter({ connect: false, grpcWeb: false });
  router.rpc(Auth.method.credentials, ({ host }) => withPublicReason(credentials(options, host)));
  router.rpc(Secrets.method.getSecret, ({ id }) => withPublicReason(secret(options, id)));
  router.rpc(Health.method.check, () => ({ status: HealthCheckResponse_ServingStatus.SERVING }));
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
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
function unimplemented(stream: Stream): void {
  stream.headers([
    { lower: ":status", value: "200" },
    { lower: "content-type", value: "application/grpc" },
    { lower: "grpc-status", value: UNIMPLEMENTED },
  ], true);
  stream.forgo();
}
