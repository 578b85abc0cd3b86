import assert from "node:assert/strict";
import type { BuildFailureCode } from "../builder.ts";
import type { BuildRecord } from "../progress/progress.ts";
import { explainFailure } from "./explain.ts";

interface Case {
  readonly name: string;
  /** The step that failed; without one the build failed before any. */
  readonly step?: string;
  /** The step's error, or the build's when no step failed. */
  readonly error: string;
  readonly code?: BuildFailureCode;
  readonly message: RegExp;
  readonly exitCode?: number;
}

const OLD = "failed to solve with frontend dockerfile.v0: failed to create LLB definition: ";
const LOAD = "[internal] load metadata for";
const HUB = "docker.io/library/nosuch:1";

/** Errors of Docker 20.10 and of newer BuildKits. */
const CASES: readonly Case[] = [
  {
    name: "a failing RUN",
    step: "[2/2] RUN exit 3",
    error: 'process "/bin/sh -c exit 3" did not complete successfully: exit code: 3',
    message: /^"RUN exit 3" failed with exit code 3\.$/,
    exitCode: 3,
  },
  {
    name: "a failing RUN that contains other errors",
    step: '[build 3/9] RUN curl x # source "x" denied by policy, secret y not found, FROM a',
    error: 'executor failed running [/bin/sh -c curl x # source "x" denied by policy: failed to read ' +
      "dockerfile: no such file, secret y not found]: exit code: 22",
    message: /^"RUN curl x .*" failed with exit code 22\.$/,
    exitCode: 22,
  },
  {
    name: "a failing RUN that is longer than an error may be",
    step: "[2/2] RUN long",
    error: `process "/bin/sh -c ${"x".repeat(100_000)}" did not complete successfully: exit code: 4`,
    message: /^"RUN long" failed with exit code 4\.$/,
    exitCode: 4,
  },
  {
    name: "no Dockerfile",
    error: "failed to solve: failed to read dockerfile: open Dockerfile: no such file or directory",
    code: "dockerfile_missing",
    message: /no file "app\/Dockerfile".*--dockerfile/,
  },
  {
    name: "a folder called Dockerfile",
    error: "failed to solve with frontend dockerfile.v0: failed to read dockerfile: read " +
      "/var/lib/docker/tmp/buildkit-mount1253617208/Dockerfile: is a directory",
    code: "dockerfile_missing",
    message: /"app\/Dockerfile" is a folder.*--dockerfile app\/Dockerfile\/Dockerfile/,
  },
  {
    name: "an instruction that does not exist",
    error: `${OLD}dockerfile parse error line 3: unknown instruction: MKDIR`,
    message:
      /^The Dockerfile "app\/Dockerfile" is not valid: dockerfile parse error line 3: unknown instruction/,
  },
  {
    name: "an argument without a value in FROM",
    error: "failed to solve: base name ($BASE) should not be blank",
    message: /is not valid: base name \(\$BASE\) should not be blank\. .*--build-arg/,
  },
  {
    name: "a stage that does not exist",
    error: 'failed to solve: target stage "prod" could not be found',
    message: /has no stage "prod".*--target/,
  },
  {
    name: "an empty Dockerfile",
    error: "failed to solve: the Dockerfile cannot be empty",
    message: /is not valid: the Dockerfile cannot be empty$/,
  },
  {
    name: "a missing file",
    step: "[2/2] COPY x.txt /",
    error: 'failed to calculate checksum of ref a::b: "/x.txt": not found',
    message: /copies "x\.txt", which is not in the build context/,
  },
  {
    name: "a missing file of a mount",
    step: "[2/2] RUN --mount=type=bind,source=zz,target=/z true",
    error: '"/zz" not found: not found',
    message: /copies "zz", which is not in the build context/,
  },
  {
    name: "a missing folder, as an old BuildKit says it",
    step: "[2/2] COPY nope/a.txt /a",
    error: "failed to walk /var/lib/docker/tmp/buildkit-mount1739644616/nope: lstat " +
      "/var/lib/docker/tmp/buildkit-mount1739644616/nope: no such file or directory",
    message: /copies "nope", which/,
  },
  {
    name: "a missing file of another stage",
    step: "[stage-1 2/2] COPY --from=build /out/app /app",
    error: 'failed to calculate checksum of ref a::b: "/out/app": not found',
    message: /copies "out\/app" from "build", where it does not exist/,
  },
  {
    name: "a missing file with a name like another error",
    step: "[2/2] COPY failed to read dockerfile /",
    error: 'failed to calculate checksum of ref a::b: "/failed to read dockerfile": not found',
    message: /copies "failed to read dockerfile"/,
  },
  {
    name: "an image that does not exist",
    step: `${LOAD} ${HUB}`,
    error: `${HUB}: not found`,
    message:
      /^The base image docker\.io\/library\/nosuch:1 could not be pulled\. Check .*"unkey registries add docker\.io"/,
  },
  {
    name: "an image that is private, or does not exist",
    step: `${LOAD} ${HUB}`,
    error: "pull access denied, repository does not exist or may require authorization: server message: " +
      "insufficient_scope: authorization failed",
    message: /"unkey registries add docker\.io"\.$/,
  },
  {
    name: "credentials that are refused",
    step: `${LOAD} r.example:5000/a/b:1`,
    error: "failed to authorize: failed to fetch oauth token: unexpected status from GET request to " +
      "https://r.example:5000/token?account=robot: 401 Unauthorized",
    message: /r\.example:5000 refuses the credentials.*"unkey registries add r\.example:5000"/,
  },
  {
    name: "a rate limit",
    step: `${LOAD} docker.io/library/node:20`,
    error:
      "httpReadSeeker: failed open: unexpected status code https://x: 429 Too Many Requests - Server message: " +
      "toomanyrequests: You have reached your pull rate limit",
    message: /docker\.io limits how often/,
  },
  {
    name: "a registry that is not there",
    step: `${LOAD} 127.0.0.1:1/x/y:1`,
    error:
      'failed to do request: Head "http://127.0.0.1:1/v2/x/y/manifests/1": dial tcp 127.0.0.1:1: connect: ' +
      "connection refused",
    message: /cannot reach the registry 127\.0\.0\.1:1\./,
  },
  {
    name: "a host that has no address",
    step: `${LOAD} registry.invalid/x/y:1`,
    error: 'failed to do request: Head "https://registry.invalid/v2/x/y/manifests/1": dial tcp: lookup ' +
      "registry.invalid on 10.255.255.53:53: no such host",
    message: /cannot reach the registry registry\.invalid\./,
  },
  {
    name: "a registry that does not answer",
    step: `${LOAD} r.example/timeout/not-found:1`,
    error: "failed to do request: Head: net/http: TLS handshake timeout",
    message: /r\.example did not answer in time/,
  },
  {
    name: "an image that is called like an error",
    step: `${LOAD} r.example/timeout/x509:1`,
    error: 'r.example/timeout/x509:1: failed to do "https://r.example/v2/timeout/x509": not found',
    message: /Check its name and tag/,
  },
  {
    name: "a certificate that is not trusted",
    step: `${LOAD} r.example/a:1`,
    error:
      'Head "https://r.example/v2/": tls: failed to verify certificate: x509: certificate signed by unknown ' +
      "authority",
    message: /does not trust the TLS certificate of r\.example/,
  },
  {
    name: "a registry with trouble",
    step: "[base 1/2] FROM --platform=linux/amd64 r.example/a:1@sha256:0000",
    error: "unexpected status from HEAD request to https://r.example/v2/a: 502 Bad Gateway",
    message: /^The base image r\.example\/a:1 could not be pulled\. .* errors of its own/,
  },
  {
    name: "another platform",
    step: `${LOAD} r.example/a:1`,
    error: "no match for platform in manifest sha256:00: not found",
    message: /not for the platform/,
  },
  {
    name: "an answer that means nothing",
    step: `${LOAD} r.example/a:1`,
    error: "internal-host-7 says hello",
    message: /operator finds/,
  },
  {
    name: "a frontend that does not exist",
    step: "resolve image config for docker-image://docker.io/x/frontend:9",
    error: "docker.io/x/frontend:9: not found",
    message: /^The frontend docker\.io\/x\/frontend:9 could not be pulled/,
  },
  {
    name: "a download that is not there",
    step: "[2/3] ADD --chmod=644 https://a.example/f.tar /f",
    error: "invalid response status 404",
    message: /downloads https:\/\/a\.example\/f\.tar, and that failed\. Its server does not have it/,
  },
  {
    name: "a download from a host that is out of reach",
    step: "http://a.example/x",
    error: 'Get "http://10.0.0.7:1/x": dial tcp 10.0.0.7:1: connect: connection refused',
    message: /downloads http:\/\/a\.example\/x, and that failed\. The builder cannot reach.*redirects/,
  },
  {
    name: "an image that is denied",
    step: `${LOAD} r.example/apps/ws_b/p:1`,
    error: 'source "docker-image://r.example/apps/ws_b/p:1" denied by policy: source denied by policy',
    message:
      /^The Dockerfile reads from r\.example\/apps\/ws_b\/p:1, which this builder does not allow: images/,
  },
  {
    name: "an address that is denied",
    step: "[2/2] ADD http://169.254.169.254/latest /x",
    error:
      'failed to load cache key: source "http://169.254.169.254/latest" denied by policy: source denied by policy',
    message: /reads from http:\/\/169\.254\.169\.254\/latest, which this builder does not allow: .*redirect/,
  },
  {
    name: "a source that is denied before any step",
    error: 'failed to solve: source "https://10.0.0.1/x" not allowed by policy: action DENY',
    message: /reads from https:\/\/10\.0\.0\.1\/x, which this builder does not allow/,
  },
  {
    name: "a frontend that is denied",
    step: "resolve image config for docker-image://r.example/evil:1",
    error: 'source "docker-image://r.example/evil:1" denied by policy: source denied by policy',
    message: /names the frontend r\.example\/evil:1 .*# syntax=docker\/dockerfile:1\.$/,
  },
  {
    name: "a secret that is required",
    step: "[2/2] RUN --mount=type=secret,id=npm,required=true cat /run/secrets/npm",
    error: "secret npm not found: not found",
    message: /build secret "npm".*--secret id=npm,.*"unkey variables set npm"/,
  },
  {
    name: "an ssh agent that is required",
    step: "[2/2] RUN --mount=type=ssh,required=true ssh-add -l",
    error: 'no SSH key "" forwarded from the client',
    message: /forwards none to builds.*--secret id=/,
  },
  {
    name: "any other error of a step",
    step: "[2/2] WORKDIR /x",
    error: "mkdir /x: not a\x1b[31m directory",
    message: /^"WORKDIR \/x" failed: mkdir \/x: not a \[31m directory$/,
  },
  {
    name: "any other error",
    error: "failed to solve: this is new",
    message: /^The build failed: this is new$/,
  },
  {
    name: "an error of another machine that belongs to no step",
    error: "failed to solve: unexpected status from PUT request to https://internal:5000/v2/x: 500",
    message: /^The build failed: the builder could not fetch/,
  },
];

function explain({ step, error }: Case): ReturnType<typeof explainFailure> {
  const record: BuildRecord = {
    failed: step === undefined ? undefined : { name: step, error, lastLines: ["last"] },
    names: [],
  };
  const said = step === undefined ? error : `failed to solve: failed to compute cache key: ${error}`;
  return explainFailure(said, { dockerfile: "app/Dockerfile", record });
}

Deno.test("explainFailure()", async (t) => {
  for (const each of CASES) {
    await t.step(each.name, () => {
      const { failure } = explain(each);
      assert.match(failure.message, each.message);
      assert.equal(failure.code, each.code ?? "build_failed");
      assert.equal(failure.exitCode, each.exitCode);
      assert.deepEqual(failure.lastLines, each.step === undefined ? [] : ["last"]);
    });
  }
});

/** A registry's error can hold names of a network that are nothing for tenants. */
Deno.test("explainFailure() gives BuildKit's words to the operator only", () => {
  const error =
    "unexpected status from HEAD request to https://cache.internal/v2/a: 502 Bad Gateway: secret-text";
  for (
    const step of [
      `${LOAD} r.example/a:1`,
      "[2/2] ADD https://a.example/f /f",
      "exporting to image",
      undefined,
    ]
  ) {
    const { failure, detail } = explain({
      name: "",
      error,
      message: /./,
      ...(step === undefined ? {} : { step }),
    });
    assert.doesNotMatch(JSON.stringify(failure), /internal|secret-text/);
    assert.match(detail, /https:\/\/cache\.internal.*secret-text/);
  }
});

Deno.test("explainFailure() names an instruction only where one failed", () => {
  const cases: readonly (readonly [step: string, instruction: string | undefined])[] = [
    ["[build 2/3] RUN make", "RUN make"],
    ["[1/2] FROM docker.io/library/a:1", "FROM docker.io/library/a:1"],
    [`${LOAD} ${HUB}`, undefined],
    ["exporting to image", undefined],
  ];
  for (const [step, instruction] of cases) {
    const { failure } = explain({ name: "", step, error: "not found", message: /./ });
    assert.equal(failure.instruction, instruction);
  }
});

Deno.test("explainFailure() adds hints when it knows the Dockerfile", () => {
  const record = { failed: undefined, names: [] };
  const text = "FROM a\nRUN <<EOF\nmkdir /x\nEOF\n";
  const error = `${OLD}dockerfile parse error line 3: unknown instruction: MKDIR`;
  const { failure } = explainFailure(error, { dockerfile: "Dockerfile", text, record });
  assert.match(
    failure.message,
    /unknown instruction: MKDIR\. The builder's own .*# syntax=docker\/dockerfile:1/,
  );
});
