import assert from "node:assert/strict";
import { Fault } from "../../../../pkg/fault/mod.ts";
import {
  argumentName,
  command,
  cutToBytes,
  dockerfilePath,
  healthCheckPath,
  imageReference,
  key,
  optionalKey,
  port,
  slug,
  variableName,
} from "./mod.ts";

const refuses = (call: () => unknown, what: string): void =>
  assert.throws(call, (error) => error instanceof Fault && error.code === "invalid_argument", what);

Deno.test("slug() takes what can be part of a host name", () => {
  for (const good of ["a", "a1", "my-app", "x".repeat(63)]) assert.equal(slug("slug", good), good);
  for (const bad of ["", "-a", "a-", "A", "a_b", "a.b", "x".repeat(64), "\u00e4"]) {
    refuses(() => slug("slug", bad), bad);
  }
});

Deno.test("key() takes no white space at the ends, where databases differ about it", () => {
  for (const good of ["k", "a b", "ä", "x".repeat(8)]) assert.equal(key("key", good, 8), good);
  for (const bad of ["", " k", "k ", "k  ", "k\u00a0", "\u3000k", "k\n", " ", "x".repeat(9)]) {
    refuses(() => key("key", bad, 8), JSON.stringify(bad));
  }
  assert.equal(optionalKey("key", "", 8), "");
  refuses(() => optionalKey("key", " ", 8), "a blank");
});

Deno.test("imageReference() knows registries, ports, tags and digests", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  for (
    const good of [
      "nginx",
      "nginx:1.29",
      "library/nginx",
      "localhost:5000/team/app:v1",
      "registry.example.com/a/b_c/d--e:1.0_x",
      `registry.example.com:443/app@${digest}`,
      `app:v1@${digest}`,
      "unkey.local/proj_a:d_1".toLowerCase(),
    ]
  ) assert.equal(imageReference("image", good), good);
  const bad = [
    "",
    " nginx",
    "nginx latest",
    "Nginx",
    "nginx:",
    "nginx@sha256:abc",
    "http://x/y",
    "a//b",
    "-x",
    "x/",
    digest,
    digest.replace("sha256:", ""),
  ];
  for (const each of [...bad, "a".repeat(256)]) refuses(() => imageReference("image", each), each);
});

Deno.test("imageReference() decides about hostile texts at once", () => {
  refuses(() => imageReference("image", `${"a-".repeat(120)}!`), "backtracking");
});

Deno.test("dockerfilePath() stays within the context", () => {
  assert.equal(dockerfilePath("dockerfile", ""), "Dockerfile");
  assert.equal(dockerfilePath("dockerfile", "./Dockerfile"), "Dockerfile");
  assert.equal(dockerfilePath("dockerfile", "build/Dockerfile.prod"), "build/Dockerfile.prod");
  for (const bad of ["/etc/passwd", "../Dockerfile", "a/../../b", "dir/", "a\nb"]) {
    refuses(() => dockerfilePath("dockerfile", bad), bad);
  }
});

Deno.test("the smaller checks hold their bounds", () => {
  assert.equal(port("port", 0, 8080), 8080);
  assert.equal(port("port", 65_535, 8080), 65_535);
  refuses(() => port("port", -1, 8080), "negative");
  refuses(() => port("port", 65_536, 8080), "too large");
  assert.equal(variableName("key", "_A1"), "_A1");
  assert.equal(variableName("key", "a.b-c"), "a.b-c");
  for (const bad of ["", "1A", "A B", "A=B", "A".repeat(254)]) {
    refuses(() => variableName("key", bad), bad);
  }
  assert.equal(argumentName("key", "_A1"), "_A1");
  for (const bad of ["", "1A", "A-B", "a.b", "A B", "A=B", "A".repeat(257)]) {
    refuses(() => argumentName("key", bad), bad);
  }
  assert.equal(healthCheckPath("path", "/healthz?full=1"), "/healthz?full=1");
  for (const bad of ["healthz", "/a b", "/\n"]) refuses(() => healthCheckPath("path", bad), bad);
  refuses(() => command("command", ["a\0b"]), "NUL");
  refuses(() => command("command", Array.from({ length: 65 }, () => "x")), "words");
  refuses(() => command("command", ["x".repeat(16_385)]), "bytes");
});

Deno.test("cutToBytes() never splits a character", () => {
  assert.equal(cutToBytes("h\u00e9llo", 2), "h");
  assert.equal(cutToBytes("h\u00e9llo", 3), "h\u00e9");
  assert.equal(cutToBytes("\u{1f600}", 3), "");
  assert.equal(cutToBytes("abc", 3), "abc");
});
