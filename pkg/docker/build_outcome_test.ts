import assert from "node:assert/strict";
import { isFault } from "../fault/mod.ts";
import { explainFailure } from "./build_outcome.ts";
import type { BuildRecord } from "./build_progress.ts";

const UNPACKED: BuildRecord = { failed: undefined, contextUnpacked: true, names: [] };

function step(name: string, error: string): BuildRecord {
  return { ...UNPACKED, failed: { name, error, lastLines: ["last"] } };
}

/** Errors as other versions of BuildKit word them; those of the engine at hand are in build_test.ts. */
const CASES: readonly {
  readonly name: string;
  readonly error: string;
  readonly record?: BuildRecord;
  readonly code: string;
  readonly message: RegExp;
  readonly exitCode?: number;
}[] = [
  {
    name: "a failing RUN",
    error: 'failed to solve: process "/bin/sh -c exit 3" did not complete successfully: exit code: 3',
    record: step(
      "[2/2] RUN exit 3",
      'process "/bin/sh -c exit 3" did not complete successfully: exit code: 3',
    ),
    code: "build_failed",
    message: /^"RUN exit 3" failed with exit code 3\.$/,
    exitCode: 3,
  },
  {
    name: "a failing RUN whose text looks like other failures",
    error:
      "executor failed running [/bin/sh -c curl x # failed to load cache key, dockerfile: no such file]: exit code: 22",
    record: step(
      "[build 3/9] RUN curl x # failed to load cache key, FROM a",
      "executor failed running [/bin/sh -c curl x # failed to load cache key, dockerfile: no such file]: exit code: 22",
    ),
    code: "build_failed",
    message: /^"RUN curl x .*" failed with exit code 22\.$/,
    exitCode: 22,
  },
  {
    name: "no Dockerfile",
    error: "failed to solve: failed to read dockerfile: open Dockerfile: no such file or directory",
    code: "dockerfile_missing",
    message: /no file "Dockerfile"/,
  },
  {
    name: "a parse error",
    error: "failed to solve: dockerfile parse error on line 2: unknown instruction: RUUN",
    code: "build_failed",
    message: /line 2: unknown instruction: RUUN/,
  },
  {
    name: "a missing file",
    error:
      'failed to solve: failed to compute cache key: failed to calculate checksum of ref a::b: "/x.txt": not found',
    record: step("[2/2] COPY x.txt /", 'failed to calculate checksum of ref a::b: "/x.txt": not found'),
    code: "build_failed",
    message: /copies "x\.txt"/,
  },
  {
    name: "a base image that does not exist",
    error:
      "failed to solve: nosuch: failed to resolve source metadata for docker.io/library/nosuch:1: not found",
    record: step(
      "[internal] load metadata for docker.io/library/nosuch:1",
      "docker.io/library/nosuch:1: not found",
    ),
    code: "build_failed",
    message: /base image docker\.io\/library\/nosuch:1 could not be pulled\. Check its name and tag/,
  },
  {
    name: "an expired URL",
    error:
      "failed to solve: failed to read downloaded context: failed to load cache key: invalid response status 403",
    code: "context_invalid",
    message: /may have expired/,
  },
  {
    name: "anything else",
    error: "failed to solve: what is this",
    code: "build_failed",
    message: /what is this$/,
  },
];

Deno.test("explainFailure()", async (t) => {
  for (const { name, error, record = UNPACKED, code, message, exitCode } of CASES) {
    await t.step(name, () => {
      const found = explainFailure(error, "Dockerfile", record);
      assert.equal(found.code, code);
      assert.match(found.message, message);
      assert.equal(found.exitCode, exitCode);
    });
  }
});

Deno.test("explainFailure() leaves an unreachable object store to a retry", () => {
  const error =
    "failed to read downloaded context: failed to load cache key: Get http://x: connection refused";
  assert.throws(
    () => explainFailure(error, "Dockerfile", UNPACKED),
    (fault) => isFault(fault, "unavailable"),
  );
});
