import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  GetSecretRequestSchema,
  GetSecretResponseSchema,
} from "../../../proto/gen/moby/buildkit/secrets/v1/secrets_pb.ts";
import {
  CredentialsRequestSchema,
  CredentialsResponseSchema,
} from "../../../proto/gen/moby/filesync/v1/auth_pb.ts";
import { Secret } from "../../config/mod.ts";
import { Fault, publicFault } from "../../fault/mod.ts";
import { FakeBuildkit } from "./testing_buildkit.ts";
import { DIFF_COPY } from "./file_sync.ts";
import { memoryTree, SyncCall, until } from "./testing.ts";
import { openSession, type Session, type SessionOptions } from "./session.ts";

const GET_SECRET = "/moby.buildkit.secrets.v1.Secrets/GetSecret";
const CREDENTIALS = "/moby.filesync.v1.Auth/Credentials";
const SECRET_BYTES = Uint8Array.from({ length: 256 }, (_, at) => at);

function open(buildkit: FakeBuildkit, options: Partial<SessionOptions> = {}): Promise<Session> {
  return openSession(buildkit.connection, {
    secrets: (id) => Promise.resolve(id === "bytes" ? SECRET_BYTES : undefined),
    credentials: (host) =>
      Promise.resolve(
        host === "r.example.com"
          ? { username: "me", password: new Secret("pässword") }
          : host === "token.example.com"
          ? { username: "<token>", password: new Secret("identity") }
          : undefined,
      ),
    contextKey: "proj_1",
    folders: new Map([["context", memoryTree({ "a": "one", "b": new Uint8Array(20_000_000) })]]),
    signal: new AbortController().signal,
    ...options,
  });
}

function secretRequest(id: string): Uint8Array {
  return toBinary(GetSecretRequestSchema, create(GetSecretRequestSchema, { id }));
}

Deno.test("openSession() shows an id, the key of the context and every method that it answers", async () => {
  await using buildkit = await FakeBuildkit.start();
  await using first = await open(buildkit);
  await using second = await open(buildkit);
  await until(() => buildkit.headers.length === 2);
  const [headers] = buildkit.headers;
  assert.equal(headers?.["x-docker-expose-session-uuid"], first.id);
  assert.equal(headers?.["x-docker-expose-session-sharedkey"], "proj_1");
  assert.deepEqual(String(headers?.["x-docker-expose-session-grpc-method"]).split(", "), [
    DIFF_COPY,
    CREDENTIALS,
    GET_SECRET,
  ]);
  assert.notEqual(first.id, second.id);
});

Deno.test("a session gives secrets by id, and reports missing ones", async (t) => {
  await using buildkit = await FakeBuildkit.start();
  await using _session = await open(buildkit);
  await t.step("found", async () => {
    const { status, bytes } = await buildkit.unary(GET_SECRET, secretRequest("bytes"));
    assert.equal(status, "0");
    assert.deepEqual(fromBinary(GetSecretResponseSchema, bytes).data, SECRET_BYTES);
  });
  await t.step("not found, as gRPC says it, so that an optional one is left out", async () => {
    const { status, message } = await buildkit.unary(GET_SECRET, secretRequest("öther"));
    assert.deepEqual([status, message], ["5", 'there is no secret "öther"']);
  });
});

Deno.test("a session reports why secrets and credentials are missing, without internal text", async (t) => {
  const table = [
    [
      "a text for the user",
      publicFault("failed_precondition", "Set the master keys."),
      "9",
      "Set the master keys.",
    ],
    ["another fault", new Fault("internal", "database at 10.0.0.9"), "13", "internal error"],
    ["any error", new Error("database at 10.0.0.9"), "13", "internal error"],
  ] as const;
  for (const [name, error, status, text] of table) {
    await t.step(name, async () => {
      await using buildkit = await FakeBuildkit.start();
      const fail = () => Promise.reject(error);
      await using _session = await open(buildkit, { secrets: fail, credentials: fail });
      const request = toBinary(
        CredentialsRequestSchema,
        create(CredentialsRequestSchema, { host: "docker.io" }),
      );
      for (
        const { status: found, message } of [
          await buildkit.unary(GET_SECRET, secretRequest("a")),
          await buildkit.unary(CREDENTIALS, request),
        ]
      ) assert.deepEqual([found, message], [status, text]);
    });
  }
});

Deno.test("a session breaks off a call whose request is larger than any name", async () => {
  await using buildkit = await FakeBuildkit.start();
  await using _session = await open(buildkit);
  const { status } = await buildkit.unary(GET_SECRET, secretRequest("a".repeat(100_000)));
  assert.equal(status, "none");
  assert.equal((await buildkit.unary(GET_SECRET, secretRequest("bytes"))).status, "0");
});

Deno.test("a session gives credentials by host", async (t) => {
  await using buildkit = await FakeBuildkit.start();
  await using _session = await open(buildkit);
  const table = [
    ["r.example.com", "me", "pässword"],
    // BuildKit takes a secret without a user for an identity token.
    ["token.example.com", "", "identity"],
    ["docker.io", "", ""],
  ] as const;
  for (const [host, username, secret] of table) {
    await t.step(host, async () => {
      const request = toBinary(CredentialsRequestSchema, create(CredentialsRequestSchema, { host }));
      const { status, bytes } = await buildkit.unary(CREDENTIALS, request);
      const answer = fromBinary(CredentialsResponseSchema, bytes);
      assert.deepEqual([status, answer.username, answer.secret], ["0", username, secret]);
    });
  }
});

Deno.test("a session says of every other method that it does not exist", async (t) => {
  await using buildkit = await FakeBuildkit.start();
  await using _session = await open(buildkit);
  for (
    const path of [
      "/moby.filesync.v1.Auth/FetchToken",
      "/moby.filesync.v1.Auth/GetTokenAuthority",
      "/moby.filesync.v1.FileSend/DiffCopy",
      "/moby.filesync.v1.FileSync/TarStream",
      "/moby.sshforward.v1.SSH/CheckAgent",
      "/",
    ]
  ) {
    await t.step(path, async () => {
      assert.equal((await buildkit.unary(path, new Uint8Array(0))).status, "12");
    });
  }
  await t.step("and that it is alive", async () => {
    assert.equal((await buildkit.unary("/grpc.health.v1.Health/Check", new Uint8Array(0))).status, "0");
  });
});

Deno.test("a session serves folders while it answers other calls", async () => {
  await using buildkit = await FakeBuildkit.start();
  await using _session = await open(buildkit);
  const call = new SyncCall(await buildkit.stream(DIFF_COPY));
  call.request(1);
  await until(() => (call.received.get(1) ?? 0) > 0);
  call.stream.pause();
  assert.equal((await buildkit.unary(GET_SECRET, secretRequest("bytes"))).status, "0");
  call.stream.resume();
  await until(() => call.ended.has(1));
  call.finish();
  await until(() => call.closed);
  assert.deepEqual([call.received.get(1), call.status], [20_000_000, "0"]);
});

Deno.test("dispose() ends a session with all its calls, and leaves nothing open", async (t) => {
  const never = () => new Promise<undefined>(() => undefined);
  await t.step("idle, twice", async () => {
    await using buildkit = await FakeBuildkit.start();
    const session = await open(buildkit);
    await buildkit.session();
    await session[Symbol.asyncDispose]();
    await session[Symbol.asyncDispose]();
    await until(() => buildkit.open === 0);
  });
  await t.step("with a secret that does not come", async () => {
    await using buildkit = await FakeBuildkit.start();
    const session = await open(buildkit, { secrets: never });
    const answer = buildkit.unary(GET_SECRET, secretRequest("a"));
    await buildkit.session();
    await session[Symbol.asyncDispose]();
    assert.notEqual((await answer).status, "0");
    await until(() => buildkit.open === 0);
  });
  await t.step("with a folder on its way", async () => {
    await using buildkit = await FakeBuildkit.start();
    const session = await open(buildkit);
    const call = new SyncCall(await buildkit.stream(DIFF_COPY));
    call.request(1);
    await until(() => (call.received.get(1) ?? 0) > 0);
    await session[Symbol.asyncDispose]();
    await until(() => call.closed && buildkit.open === 0);
    assert.notEqual(call.status, "0");
  });
});

Deno.test("a session outlives a BuildKit that goes away until it is disposed of", async () => {
  await using buildkit = await FakeBuildkit.start();
  const session = await open(buildkit);
  const call = new SyncCall(await buildkit.stream(DIFF_COPY));
  call.request(1);
  await until(() => (call.received.get(1) ?? 0) > 0);
  buildkit.drop();
  await until(() => call.closed);
  await session[Symbol.asyncDispose]();
});
